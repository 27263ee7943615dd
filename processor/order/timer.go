package order

import (
	"encoding/binary"
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// State keys begin with one of these.
const (
	keyOrder          = 'o' // + order key
	keyInbox          = 'u' // + order key
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

const timerPrefixBytes = 1 + 8 + 1

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

// nextDue is a time before which no timer is due: kept in state, because to
// find the first timer anew in every transaction would mean to step over the
// remains of all that were deleted before their time (nearly every order
// deletes its deadline), again and again. The bound moves up only when it has
// been reached, so each of them is stepped over once.
//
// Invariant: at <= due of every timer; at is 0 when there is no timer.
type nextDue struct {
	at      record.Millis
	read    bool
	changed bool
	worked  int // timers worked off in this transaction
}

func (n *nextDue) load(tx stage.Tx) {
	if n.read {
		return
	}
	n.read = true
	if value, ok := tx.Get([]byte{keyNextDue}); ok {
		if len(value) != 8 {
			panic(fmt.Sprintf("BUG: next due is %d bytes", len(value)))
		}
		n.at = record.Millis(binary.BigEndian.Uint64(value))
	}
}

// lower notes a new timer.
func (n *nextDue) lower(due record.Millis) {
	if n.at == 0 || due < n.at {
		n.at, n.changed = due, true
	}
}

func (n *nextDue) set(at record.Millis) {
	if n.at != at {
		n.at, n.changed = at, true
	}
}

// write puts the bound back into state.
func (n *nextDue) write(tx stage.Tx) {
	switch {
	case !n.changed:
	case n.at == 0:
		tx.Delete([]byte{keyNextDue})
	default:
		tx.Put([]byte{keyNextDue}, binary.BigEndian.AppendUint64(nil, uint64(n.at)))
	}
	n.changed = false
}
