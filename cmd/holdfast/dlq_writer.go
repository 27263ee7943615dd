package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

// A letter's record is sent again in the transaction that also notes it, so there
// is no note without its record and no second record beside a note:
//
//	take over   ask for the producer id: whoever was at it before is fenced, and
//	            what it left open is aborted
//	read notes  only now: nobody else can write any
//	send        the records of some letters, then their notes with where the
//	            records are, then commit; again for the next letters
//
// It is safe to stop or kill it anywhere and to begin it anew, and to begin it
// twice: the one that began last goes on.

const (
	// A transaction holds up those who read the topics that it writes to, intake
	// among them, so it is short.
	letterChunkMax      = 500
	letterChunkBytesMax = 4 << 20
	letterAbortLimit    = 5 * time.Second
	// notesForgottenMax bounds the notes of letters that are gone which one
	// transaction deletes.
	notesForgottenMax = 5000
)

// letterWriter is the one who deals with dead letters.
type letterWriter struct {
	client *kgo.Client
	notes  string               // full name of dlq.done
	sent   map[*kgo.Record]bool // committed: several letters may share a record
	forget []letterID           // whose letters are gone
}

// letterWork is one letter to be dealt with.
type letterWork struct {
	id     letterID
	record *kgo.Record // to be sent; nil: none
	note   *record.LetterNote
}

// errLetterFenced means that another command has taken over, or that the broker
// has given this one up.
var errLetterFenced = errors.New("another holdfast dlq has begun meanwhile, or this one stood still for too long: what is left may be done by the other (dlq ls tells)")

// openLetterWriter takes over. After it returns nobody else writes notes, until
// the next one takes over.
func (a *app) openLetterWriter(ctx context.Context, t *topology.Topology) (*letterWriter, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	most := int64(0)
	for i := range t.Topics {
		if role := t.Topics[i].Role; role == topology.RolePublicIn || role == topology.RoleTable {
			most = max(most, maxMessageBytes(&t.Topics[i]))
		}
	}
	cl, err := a.connect(ctx, kgo.TransactionalID(t.DeadLettersID()), kgo.TransactionTimeout(s.Kafka.TransactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(int32(most)), kgo.UnknownTopicRetries(1))
	if err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, s.Kafka.ConnectTimeout)
	defer cancel()
	for {
		_, _, err := cl.ProducerID(limit)
		if err == nil {
			return &letterWriter{client: cl, notes: t.Name(topology.DeadLettersDone), sent: map[*kgo.Record]bool{}}, nil
		}
		if ke := (*kerr.Error)(nil); limit.Err() == nil && errors.As(err, &ke) && ke.Retriable {
			select {
			case <-limit.Done():
			case <-time.After(100 * time.Millisecond):
				continue
			}
		}
		cl.Close()
		err = denied(err, topology.OperationWrite, topology.ResourceTransactionalID, t.DeadLettersID())
		return nil, fmt.Errorf("asking for the transactional id %s: %w", t.DeadLettersID(), err)
	}
}

func (w *letterWriter) close() { w.client.Close() }

// deal does the work in chunks, each of them whole or not at all. done is told of
// each chunk that is committed.
func (w *letterWriter) deal(ctx context.Context, work []letterWork, done func([]letterWork)) error {
	for len(work) > 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n, bytes := 0, 0
		for n < len(work) && n < letterChunkMax && (n == 0 || bytes < letterChunkBytesMax) {
			if r := work[n].record; r != nil {
				bytes += len(r.Value)
			}
			n++
		}
		if err := w.chunk(ctx, work[:n]); err != nil {
			return err
		}
		done(work[:n])
		work = work[n:]
	}
	return nil
}

func (w *letterWriter) chunk(ctx context.Context, work []letterWork) error {
	if err := w.write(ctx, work); err != nil {
		w.abort(ctx)
		return w.reason(err)
	}
	// Broken off here nobody would know how it ended.
	if err := w.client.EndTransaction(context.WithoutCancel(ctx), kgo.TryCommit); err != nil {
		if isFenced(err) {
			return errLetterFenced
		}
		return fmt.Errorf("it isn't known how the last transaction ended (begin again: what was done is noted): %w", err)
	}
	w.forget = nil
	for i := range work {
		if work[i].record != nil {
			w.sent[work[i].record] = true
		}
	}
	return nil
}

// write begins a transaction and writes into it.
func (w *letterWriter) write(ctx context.Context, work []letterWork) error {
	if err := w.client.BeginTransaction(); err != nil {
		return err
	}
	var records, notes []*kgo.Record
	inChunk := map[*kgo.Record]bool{}
	for i := range work {
		if r := work[i].record; r != nil && !w.sent[r] && !inChunk[r] {
			inChunk[r] = true
			records = append(records, r)
		}
	}
	if err := w.produce(ctx, records); err != nil {
		return err
	}
	for i := range work {
		if r := work[i].record; r != nil {
			work[i].note.Sent = &record.Sent{Topic: r.Topic, Partition: record.Partition(r.Partition), Offset: record.Offset(r.Offset)}
		}
		notes = append(notes, &kgo.Record{Topic: w.notes, Key: []byte(work[i].id.String()), Value: work[i].note.Encode()})
	}
	for _, id := range w.forget {
		notes = append(notes, &kgo.Record{Topic: w.notes, Key: []byte(id.String())})
	}
	return w.produce(ctx, notes)
}

func (w *letterWriter) produce(ctx context.Context, records []*kgo.Record) error {
	for _, is := range w.client.ProduceSync(ctx, records...) {
		if is.Err != nil {
			topic := is.Record.Topic
			return fmt.Errorf("sending to %s: %w", topic, denied(is.Err, topology.OperationWrite, topology.ResourceTopic, topic))
		}
	}
	return nil
}

// abort ends the transaction at once, so that nobody waits for its end. Where
// that fails the broker does it, after the transaction's timeout.
func (w *letterWriter) abort(ctx context.Context) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterAbortLimit)
	defer cancel()
	if w.client.AbortBufferedRecords(limit) == nil {
		_ = w.client.EndTransaction(limit, kgo.TryAbort)
	}
}

func (w *letterWriter) reason(err error) error {
	if isFenced(err) {
		return errLetterFenced
	}
	return fmt.Errorf("nothing of the last transaction was done: %w", err)
}

func isFenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.InvalidProducerIDMapping) ||
		errors.Is(err, kerr.InvalidTxnState)
}
