package order

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// State keys begin with one of these.
const (
	keyOrder          = 'o' // + order key: the order, or events that came before it
	keyInbox          = 'u' // + order key: events that wait for its decision
	keyTimer          = 't' // + due, kind, order key
	keyNextDue        = 'n'
	keyWarehouse      = 'W' // + id
	keyWarehouseCount = 'w'
	keyCombo          = 'C' // + SKU
	keyCatalogCount   = 'c'
	keyParcels        = 'h'
)

func appendKey(b []byte, prefix byte, key record.OrderKey) []byte {
	return append(append(b, prefix), key...)
}

// timerKind says what is due. The numbers are in state.
type timerKind uint8

const (
	timerExpiry   timerKind = 1
	timerDeadline timerKind = 2
	timerDrop     timerKind = 3
	timerInbox    timerKind = 4
)

// dues are the due times of one order key, by kind. The order and its inbox say
// when something is due; the index only finds it again.
type dues [timerInbox + 1]record.Millis

func (t *turn) dues() dues {
	var d dues
	if o := t.o; o != nil {
		d[timerExpiry], d[timerDeadline], d[timerDrop] = o.ExpiresAt, o.DecideBy, o.DropAt
		if o.HasInbox && o.Phase == PhasePending && t.inbox.any(isPayment) {
			// It came in time, whenever the decision comes.
			d[timerExpiry] = 0
		}
	}
	d[timerInbox] = t.inbox.Due
	return d
}

// first returns what is due first.
func (d *dues) first() (kind timerKind, at record.Millis) {
	for k := timerExpiry; k <= timerInbox; k++ {
		if d[k] != 0 && (at == 0 || d[k] < at) {
			kind, at = k, d[k]
		}
	}
	return kind, at
}

const (
	timerDueBytes    = 1 + 8 // up to and with the due time
	timerPrefixBytes = timerDueBytes + 1
)

// appendTimerKey puts timers in order of due.
func appendTimerKey(b []byte, due record.Millis, kind timerKind, key record.OrderKey) []byte {
	b = binary.BigEndian.AppendUint64(append(b, keyTimer), uint64(due))
	return append(append(b, byte(kind)), key...)
}

func appendTimerFrom(b []byte, due record.Millis) []byte {
	return binary.BigEndian.AppendUint64(append(b, keyTimer), uint64(due))
}

func cutTimerKey(timer []byte) (due record.Millis, key []byte) {
	if len(timer) <= timerPrefixBytes || timer[0] != keyTimer {
		panic(fmt.Sprintf("BUG: state key %q isn't a timer", timer))
	}
	return record.Millis(binary.BigEndian.Uint64(timer[1:])), timer[timerPrefixBytes:]
}

// nextDue is a timer before which there is none: kept in state, because to find
// the first timer anew in every transaction would mean to step over the remains
// of all that were deleted before their time (nearly every order deletes its
// deadline), again and again. It moves up only when it has been reached, so each
// of them is stepped over once. It is a timer and not just its due, because a
// sale may leave any number of timers of the same millisecond, which are worked
// off a chunk at a time.
//
// Invariant: (at, rest) <= (due, rest) of every timer; at is 0 when there is no
// timer.
type nextDue struct {
	at      record.Millis
	rest    []byte // kind and order key; empty: the first of that due
	read    bool
	changed bool
	worked  int // timers worked off in this transaction
}

// reset forgets the transaction.
func (n *nextDue) reset() { *n = nextDue{rest: n.rest[:0]} }

func (n *nextDue) load(tx stage.Tx) {
	if n.read {
		return
	}
	n.read = true
	if value, ok := tx.Get([]byte{keyNextDue}); ok {
		if len(value) < 8 {
			panic(fmt.Sprintf("BUG: next due is %d bytes", len(value)))
		}
		n.at, n.rest = record.Millis(binary.BigEndian.Uint64(value)), append(n.rest[:0], value[8:]...)
	}
}

// lower notes a new timer.
func (n *nextDue) lower(timer []byte) {
	due, _ := cutTimerKey(timer)
	rest := timer[timerDueBytes:]
	if n.at == 0 || due < n.at || due == n.at && bytes.Compare(rest, n.rest) < 0 {
		n.at, n.rest, n.changed = due, append(n.rest[:0], rest...), true
	}
}

// set moves the bound to a timer; nil: there is none.
func (n *nextDue) set(timer []byte) {
	n.changed = true
	if len(timer) == 0 {
		n.at, n.rest = 0, n.rest[:0]
		return
	}
	n.at, _ = cutTimerKey(timer)
	n.rest = append(n.rest[:0], timer[timerDueBytes:]...)
}

// appendFrom appends the key from which timers are to be looked for.
func (n *nextDue) appendFrom(b []byte) []byte {
	return append(appendTimerFrom(b, n.at), n.rest...)
}

// write puts the bound back into state.
func (n *nextDue) write(tx stage.Tx) {
	switch {
	case !n.changed:
	case n.at == 0:
		tx.Delete([]byte{keyNextDue})
	default:
		tx.Put([]byte{keyNextDue}, append(binary.BigEndian.AppendUint64(nil, uint64(n.at)), n.rest...))
	}
	n.changed = false
}
