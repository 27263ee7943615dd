package channels

import (
	"bytes"
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

const topicStockEvents = "stock.events"

// keepMax is how many touched SKUs the memory is kept for from one transaction
// to the next; a rare larger one gives its memory back.
const keepMax = 1 << 16

// Stage implements stage.Stage.
type Stage struct {
	config  Config
	channel map[string]int // number of a channel in config.Channels
	topics  []string       // by channel
	entry   func(record.Entry) error

	// Of the open transaction.
	tx           stage.Tx
	touched      []touch
	touchedParts []touchedPart
	index        map[record.SKU]int // into touched

	tables tables

	// Memory used again and again.
	availability       record.Availability
	item               item
	sums, partSums     []record.Quantity // by channel
	changes            []change
	later              increases
	chunk              []record.SKU
	opened             []record.SKU // windows opened by this transaction
	at                 []byte       // the transaction's time as JSON
	key, skuKey, value []byte
}

// New returns the stage. The configuration must be valid.
func New(c Config) *Stage {
	if err := c.Validate(); err != nil {
		panic(fmt.Sprintf("BUG: %v", err))
	}
	s := &Stage{config: c.withDefaults(), channel: map[string]int{}, index: map[record.SKU]int{}}
	s.sums, s.partSums = make([]record.Quantity, len(c.Channels)), make([]record.Quantity, len(c.Channels))
	for i, name := range c.Channels {
		s.channel[name] = i
		s.topics = append(s.topics, "channel."+name+".stock")
	}
	s.entry = s.take
	return s
}

// Decide collects. Of several availabilities of a SKU the last one counts.
func (s *Stage) Decide(tx stage.Tx, r *stage.Record) {
	s.tx = tx
	if err := record.Entries(r.Value, s.entry); err != nil {
		panic(fmt.Sprintf("BUG: reading %s/%d@%d: %v", r.Topic, r.Partition, r.Offset, err))
	}
}

func (s *Stage) take(e record.Entry) error {
	switch e.Kind {
	case record.KindAvailability:
		return s.touchAvailability(&e)
	case record.KindCatalog:
		return s.touchCatalog(&e)
	case record.KindWarehouse:
		s.takeRow(prefixWarehouse, e.Body)
	case record.KindShop:
		s.takeRow(prefixShop, e.Body)
	case record.KindDecision, record.KindTick:
		// The ledger is for audit and explain; a tick has done its work by
		// being here: it moved the time.
	default:
		panic(fmt.Sprintf("BUG: a %v on the log of availability", e.Kind))
	}
	return nil
}

// loadTables reads the tables; a channel that is new in the configuration has to
// be told of all SKUs, as after a change of a table.
func (s *Stage) loadTables(tx stage.Tx) {
	if s.tables.load(tx, s.config.Channels) {
		s.startPass(tx)
	}
}

func (s *Stage) takeRow(prefix byte, body []byte) {
	s.loadTables(s.tx)
	s.tables.apply(s.tx, prefix, body)
}

// Finish decides what to publish: first what was touched, then windows that are
// over, then a chunk of the pass.
func (s *Stage) Finish(tx stage.Tx) {
	s.loadTables(tx)
	if s.tables.deriveAnew(s.config.Channels) {
		s.startPass(tx)
	}
	s.at = append(append(append(s.at[:0], '"'), tx.Now().String()...), '"')
	for i := range s.touched {
		s.update(tx, &s.touched[i])
	}
	q := loadQueue(tx)
	before := q
	room := s.config.ChunkMax
	room -= s.closeWindows(tx, &q, room)
	// Windows go first, and however many there are the pass goes on.
	s.goOn(tx, max(room, s.config.ChunkMax/4, 1))
	s.openWindows(tx, &q)
	if q != before {
		q.save(tx)
	}
	s.later.publish(tx, s.topics)
	s.tables.write(tx)
}

// look decides about a SKU that nothing has changed of itself.
func (s *Stage) look(tx stage.Tx, sku record.SKU) {
	old := s.load(tx, sku)
	s.settle(tx, sku)
	s.save(tx, sku, old)
}

// load reads a SKU's item into s.item and returns its form in state.
func (s *Stage) load(tx stage.Tx, sku record.SKU) []byte {
	s.key = appendItemKey(s.key[:0], sku)
	value, ok := tx.Get(s.key)
	if !ok {
		s.item.reset()
		return nil
	}
	if err := s.item.decode(value); err != nil {
		panic(fmt.Sprintf("BUG: item of %q: %v", sku, err))
	}
	return value
}

func (s *Stage) save(tx stage.Tx, sku record.SKU, old []byte) {
	s.value = s.item.append(s.value[:0])
	if bytes.Equal(s.value, old) {
		return
	}
	s.key = appendItemKey(s.key[:0], sku)
	tx.Put(s.key, s.value)
}

// Reset forgets the transaction.
func (s *Stage) Reset() {
	s.tx = nil
	if len(s.touched) > keepMax {
		s.touched, s.index = nil, map[record.SKU]int{}
	}
	clear(s.touched)
	s.touched = s.touched[:0]
	clear(s.touchedParts)
	s.touchedParts = s.touchedParts[:0]
	s.item.forget()
	clear(s.index)
	s.later.reset()
	clear(s.opened)
	s.opened = s.opened[:0]
	s.tables.reset()
}

// Due tells when the next window is over; while a pass goes on, now.
func (s *Stage) Due(tx stage.Tx) (at record.Millis, ok bool) {
	if _, ok = tx.Get([]byte(keyPass)); ok {
		return tx.Now(), true
	}
	q := loadQueue(tx)
	return q.due, q.head < q.tail
}
