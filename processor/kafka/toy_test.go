package kafka_test

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"sync/atomic"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// counter is a stage that shows whatever is lost or done twice. Its input carries,
// for each key, the numbers 1, 2, 3, …; its state is how many it has seen of each,
// and it sends every number on. A number that isn't the next one is a broken
// invariant, so it halts the partition and fails the test.
type counter struct{ hook *hook }

// hook lets a test take part in decisions.
type hook struct{ fn atomic.Pointer[hookFunc] }

type hookFunc func(tx stage.Tx, r *stage.Record)

func (h *hook) set(fn hookFunc) { h.fn.Store(&fn) }

func (c counter) Decide(tx stage.Tx, r *stage.Record) {
	if r.Key == nil { // a tick
		return
	}
	number, err := strconv.ParseUint(string(r.Value), 10, 64)
	if err != nil {
		panic("BUG: not a number: " + string(r.Value))
	}
	if v, ok := tx.Get(stateKey(r.Key)); (ok && binary.BigEndian.Uint64(v) != number-1) || (!ok && number != 1) {
		panic(fmt.Sprintf("BUG: %s: got number %d, the state is %v", r.Key, number, v))
	}
	if fn := c.hook.fn.Load(); fn != nil {
		(*fn)(tx, r)
	}
	tx.Put(stateKey(r.Key), binary.BigEndian.AppendUint64(nil, number))
	tx.Send(stage.LogAvailability, record.KindAvailability, r.Key, r.Origin(), r.Value)
}

func (counter) Finish(stage.Tx)                    {}
func (counter) Reset()                             {}
func (counter) Due(stage.Tx) (record.Millis, bool) { return 0, false }

func stateKey(key []byte) []byte { return append([]byte("n"), key...) }
