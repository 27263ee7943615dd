package stage

import "holdfast/topology/record"

// Log names one of the internal logs.
type Log uint8

// The internal logs, each the input of one stage.
const (
	LogOrders Log = iota
	LogInventory
	LogAvailability

	// Logs is how many there are.
	Logs = iota
)

// Header is a record header.
type Header struct {
	Key   string
	Value []byte
}

// Record is one record of a stage's input log. Key, Value and Headers are
// views: the stage may keep them until its Reset, and must not change them.
type Record struct {
	Topic     string // with the application's prefix
	Short     string // without it: "channel.web.orders", "log.orders"
	Partition record.Partition
	Offset    record.Offset
	At        record.Millis // append time
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Origin tells where the record stands.
func (r *Record) Origin() record.Origin {
	return record.Origin{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
}

// Header returns the first header of that name, ignoring case.
func (r *Record) Header(name string) string {
	for i := range r.Headers {
		if equalFold(r.Headers[i].Key, name) {
			return string(r.Headers[i].Value)
		}
	}
	return ""
}

// DeadLetter is a record that can't be decided, with the reason.
type DeadLetter struct {
	Origin  record.Origin // the public record
	Reason  string        // a word of the vocabulary: malformed, unknown_type, below_zero, …
	Message string        // for people: what and where
	Key     []byte
	Value   []byte // the original bytes, or canonical JSON when written after intake
	Headers []Header
}

// Tx is the open transaction as a stage sees it. Everything written is visible
// to later reads of the same task, and comes to be as a whole or not at all.
//
// Reading can't fail from the stage's point of view: the run time keeps the
// first I/O error and aborts the transaction before it could be committed.
//
// Slices passed in are copied before the call returns. Values handed out are
// views, good until the stage's Reset.
type Tx interface {
	// Now is the largest append time that the task has seen on its log. It
	// never goes back, also over a restart.
	Now() record.Millis

	Get(key []byte) (value []byte, ok bool)
	Put(key, value []byte)
	Delete(key []byte)
	// Scan calls fn in key order for from <= key < to, until fn returns false.
	// A nil to means no bound. fn must not write.
	Scan(from, to []byte, fn func(key, value []byte) bool)

	// Send adds an entry to the partition of an internal log that owns key.
	Send(log Log, kind record.Kind, key []byte, origin record.Origin, body []byte)
	// Broadcast adds an entry to every partition of an internal log.
	Broadcast(log Log, kind record.Kind, key []byte, origin record.Origin, body []byte)
	// Publish writes a record to a public topic, named without the
	// application's prefix; key decides the partition.
	Publish(topic string, key, value []byte)
	// DeadLetter writes to the dead-letter topic.
	DeadLetter(d DeadLetter)

	// Count notes an outcome for the metrics: i is the place in the list of
	// outcomes that the stage was configured with. What is aborted isn't counted.
	Count(i int)
}

// Stage decides the records of one task.
type Stage interface {
	// Decide takes the next record of the log. It reads and writes through tx
	// only, and its result depends on nothing but the state, the record and
	// tx.Now. It may put off writing to Finish.
	Decide(tx Tx, r *Record)
	// Finish is called once at the end of every transaction that decided at
	// least one record: what was put off is written now.
	Finish(tx Tx)
	// Reset is called when the transaction has ended, committed or not: the
	// stage forgets everything that it holds in memory beyond constants.
	Reset()
	// Due tells when the stage next has something to do by itself, on its
	// log's time. The run time sees to it that a record (a tick, when nothing
	// else comes) arrives then. A time that has passed means: at once.
	Due(tx Tx) (at record.Millis, ok bool)
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}
