package run

import (
	"sync"
	"time"

	"holdfast/topology/record"
)

// pending are the orders that were sent and are without an answer. Sender and
// watcher use it at once, tens of thousands of times a second, so it is in parts
// with a lock each.
type pending struct {
	parts [pendingParts]struct {
		mu     sync.Mutex
		orders map[record.OrderKey]pendingOrder
	}
}

const pendingParts = 32

type pendingOrder struct {
	intended time.Duration
	answered bool // something was said, but not what the lines got
}

func newPending() *pending {
	p := &pending{}
	for i := range p.parts {
		p.parts[i].orders = map[record.OrderKey]pendingOrder{}
	}
	return p
}

// part: ids end with a number that counts up, so their last two bytes spread.
func pendingPart(key []byte) int {
	if len(key) < 2 {
		return 0
	}
	return int(key[len(key)-1]+key[len(key)-2]*10) % pendingParts
}

// sent notes when an order is meant to be sent, before it is.
func (p *pending) sent(key record.OrderKey, intended time.Duration) {
	part := &p.parts[pendingPart([]byte(key))]
	part.mu.Lock()
	defer part.mu.Unlock()
	part.orders[key] = pendingOrder{intended: intended}
}

// seen notes an event of an order; final tells that it says what its lines got,
// or that nothing will. first tells that it is the first one.
func (p *pending) seen(key []byte, final bool) (intended time.Duration, ours, first bool) {
	part := &p.parts[pendingPart(key)]
	part.mu.Lock()
	defer part.mu.Unlock()
	o, ok := part.orders[record.OrderKey(key)]
	if !ok {
		return 0, false, false
	}
	if final {
		delete(part.orders, record.OrderKey(key))
	} else if !o.answered {
		part.orders[record.OrderKey(key)] = pendingOrder{o.intended, true}
	}
	return o.intended, true, !o.answered
}

// unanswered returns how many orders nothing was said about, and one of them.
func (p *pending) unanswered() (n int64, example record.OrderKey) {
	for i := range p.parts {
		part := &p.parts[i]
		part.mu.Lock()
		for key, o := range part.orders {
			if o.answered {
				continue
			}
			if n++; example == "" || key < example {
				example = key
			}
		}
		part.mu.Unlock()
	}
	return n, example
}
