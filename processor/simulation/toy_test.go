package simulation

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/topology"
	"holdfast/topology/record"
)

// The toys are stages that show every fault of the run time at once: what they
// write depends on all that they decided before, in its order.
//
//	intake     public record ─> log.inventory, by its key
//	inventory  counts per key and chains what came; sends on each step of the
//	           chain; some keys fall due later and are then sent once more
//	channels   chains what inventory sent
func toys() Stages {
	return Stages{
		topology.StageIntake:    func(processor.TopicPartition) stage.Stage { return toyIntake{} },
		topology.StageInventory: func(processor.TopicPartition) stage.Stage { return newToyChain(stage.LogAvailability) },
		topology.StageChannels:  func(processor.TopicPartition) stage.Stage { return newToyChain(noLog) },
	}
}

const noLog = stage.Log(255)

type toyIntake struct{}

func (toyIntake) Decide(tx stage.Tx, r *stage.Record) {
	if len(r.Value) == 0 {
		tx.DeadLetter(stage.DeadLetter{Origin: r.Origin(), Reason: "empty", Key: r.Key})
		return
	}
	tx.Send(stage.LogInventory, record.KindStock, r.Key, r.Origin(), r.Value)
}
func (toyIntake) Finish(stage.Tx)                    {}
func (toyIntake) Reset()                             {}
func (toyIntake) Due(stage.Tx) (record.Millis, bool) { return 0, false }

// toyChain keeps for each key the number of entries and a hash over all of them,
// in memory until Finish:
//
//	c key      number, hash
//	d at key   due; number
type toyChain struct {
	to    stage.Log
	dirty map[string]*link
	order []string
}

type link struct{ number, hash uint64 }

func newToyChain(to stage.Log) *toyChain { return &toyChain{to: to, dirty: map[string]*link{}} }

func (c *toyChain) load(tx stage.Tx, key []byte) *link {
	l := c.dirty[string(key)]
	if l == nil {
		l = &link{}
		if v, ok := tx.Get(append([]byte("c"), key...)); ok {
			l.number, l.hash = binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])
		}
		c.dirty[string(key)] = l
		c.order = append(c.order, string(key))
	}
	return l
}

const poison = "poison"

func (c *toyChain) step(tx stage.Tx, key []byte, origin record.Origin, body string) {
	if body == poison {
		panic("BUG: " + poison)
	}
	l := c.load(tx, key)
	l.number++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %s %s", l.number, l.hash, origin, body)
	l.hash = h.Sum64()
	if c.to != noLog {
		tx.Send(c.to, record.KindAvailability, key, origin, fmt.Appendf(nil, "%d:%x", l.number, l.hash))
	}
	if l.number%3 == 0 {
		due := tx.Now() + record.Millis(l.hash%4000)
		tx.Put(append(binary.BigEndian.AppendUint64([]byte("d"), uint64(due)), key...), binary.BigEndian.AppendUint64(nil, l.number))
	}
}

func (c *toyChain) Decide(tx stage.Tx, r *stage.Record) {
	c.expire(tx)
	err := record.Entries(r.Value, func(e record.Entry) error {
		if e.Kind != record.KindTick {
			c.step(tx, e.Key, e.Origin, string(e.Body))
		}
		return nil
	})
	if err != nil {
		panic("BUG: " + err.Error())
	}
}

// expire deals with what is due, two at a time, so that a tick may leave some.
func (c *toyChain) expire(tx stage.Tx) {
	var due [][]byte
	tx.Scan([]byte("d"), binary.BigEndian.AppendUint64([]byte("d"), uint64(tx.Now())+1), func(k, _ []byte) bool {
		due = append(due, append([]byte(nil), k...))
		return len(due) < 2
	})
	for _, k := range due {
		tx.Delete(k)
		key := k[9:]
		c.step(tx, key, record.Origin{}, "due")
		tx.Publish(topology.StockEvents, key, fmt.Appendf(nil, "%x at %d", key, tx.Now()))
	}
}

func (c *toyChain) Finish(tx stage.Tx) {
	for _, key := range c.order {
		l := c.dirty[key]
		v := binary.BigEndian.AppendUint64(nil, l.number)
		tx.Put(append([]byte("c"), key...), binary.BigEndian.AppendUint64(v, l.hash))
	}
}

func (c *toyChain) Reset() {
	clear(c.dirty)
	c.order = c.order[:0]
}

func (c *toyChain) Due(tx stage.Tx) (at record.Millis, ok bool) {
	tx.Scan([]byte("d"), []byte("e"), func(k, _ []byte) bool {
		at, ok = record.Millis(binary.BigEndian.Uint64(k[1:])), true
		return false
	})
	return at, ok
}

// toyFeed gives n records of a few hot keys.
func toyFeed(r *rand.Rand, n int) Feed {
	return func(record.Millis) (Input, bool) {
		n--
		return Input{
			Topic: topology.StockFeed, Partition: int32(r.IntN(2)),
			Key: fmt.Appendf(nil, "k%d", r.IntN(1+r.IntN(8))), Value: fmt.Appendf(nil, "v%d", n),
		}, n >= 0
	}
}
