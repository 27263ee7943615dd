package inventory

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// What can be wrong with the state, beside what every stage knows.
const (
	ruleCounters = "counters" // an item's numbers aren't the sums of its holds
	ruleHold     = "hold"     // a hold of nothing
	ruleWaiter   = "waiter"   // who waits and who stands in line aren't the same
	ruleQuota    = "quota"    // a quota and its end in the index don't agree
	ruleEvent    = "event"    // an event id and its end in the index don't agree
	ruleBehind   = "behind"   // what is behind and how many there are don't agree
)

// verifier is the stage's stage.Verifier. It adds up what the stage only ever
// counts along: an item is held against all of its holds and waiters, and every
// index against its rows, from both sides.
type verifier struct {
	view   stage.View
	report func(stage.Finding)

	item   Item
	hold   Hold
	waiter waiter
	past   history
	sums   itemSums
	// known is the SKU of the last hold that was looked at, if it has an item.
	// They stand together, and an item with holds isn't deleted.
	known []byte
	key   []byte
}

// itemSums is what an item's holds add up to.
type itemSums struct {
	holds   uint64
	waiters int // holds that wait, less those in line
	waiting record.Quantity
	parts   []Row // by warehouse, as met; Held and Allocated alone
	by      []ChannelWaiting
	wanted  []Want // as met; Orders alone
}

// NewVerifier returns what looks through the state of a task of this stage.
func NewVerifier() stage.Verifier { return &verifier{} }

// Verify is part of stage.Verifier.
func (s *verifier) Verify(v stage.View, key, value []byte, report func(stage.Finding)) {
	s.view, s.report = v, report
	ok := false
	switch key[0] {
	case prefixItem:
		ok = s.verifyItem(key, value)
	case prefixHold:
		ok = s.verifyHold(key)
	case prefixWaiter:
		ok = s.verifyWaiter(key, value)
	case prefixBehind:
		ok = s.verifyBehind(key, value)
	case prefixHistory:
		ok = len(s.cutSKU(key)) > 0
		s.undecodable(key, s.past.decode(value))
	case prefixEvent:
		ok = s.verifyEvent(key, value)
	case prefixForget:
		ok = s.verifyForget(key)
	case prefixCombo:
		_, err := decodeCombo(value)
		ok = len(key) > 1
		s.undecodable(key, err)
	case prefixQuota:
		ok = s.verifyQuota(key)
	case prefixCatalog, prefixEnds, prefixPurge:
		ok = len(key) == 1
		s.verifyNumber(key, value)
	}
	if !ok {
		s.find(stage.RuleUnknownKey, key, "a key of the stage inventory", fmt.Sprintf("a value of %d bytes", len(value)))
	}
}

func (s *verifier) find(rule string, key []byte, expected, found string) {
	s.report(stage.Finding{Rule: rule, Key: key, Expected: expected, Found: found})
}

func (s *verifier) undecodable(key []byte, err error) bool {
	if err != nil {
		s.find(stage.RuleUndecodable, key, "a value of this version", err.Error())
	}
	return err != nil
}

// cutSKU returns the SKU of a key that goes on behind it, nil where it doesn't.
func (s *verifier) cutSKU(key []byte) []byte {
	sku, _, ok := bytes.Cut(key[1:], []byte{0})
	if !ok {
		return nil
	}
	return sku
}

// verifyItem holds an item against its holds and against who waits.
func (s *verifier) verifyItem(key, value []byte) bool {
	if len(key) < 2 {
		return false
	}
	it := &s.item
	if s.undecodable(key, it.decode(value)) {
		return true
	}
	it.SKU = record.SKU(key[1:])
	s.sumUp(it.SKU)
	sum := &s.sums
	if it.Holds != sum.holds || it.Waiting != sum.waiting {
		s.find(ruleCounters, key, fmt.Sprintf("%d holds, %d units that wait: the sums of its holds", sum.holds, sum.waiting), fmt.Sprintf("%d and %d", it.Holds, it.Waiting))
	}
	for i := range it.Rows {
		s.verifyRow(key, &it.Rows[i])
	}
	for i := range sum.parts {
		if _, ok := it.find(sum.parts[i].Warehouse); !ok {
			s.find(ruleCounters, key, fmt.Sprintf("counters at %q, where it has claims", sum.parts[i].Warehouse), "none")
		}
	}
	if len(it.WaitingBy) != len(sum.by) || slices.ContainsFunc(it.WaitingBy, func(w ChannelWaiting) bool { return !slices.Contains(sum.by, w) }) {
		s.find(ruleCounters, key, fmt.Sprintf("by channel wait %+v: the sums of its holds", sum.by), fmt.Sprintf("%+v", it.WaitingBy))
	}
	if sum.waiters != 0 {
		s.find(ruleWaiter, key, "as many in line as holds that wait", fmt.Sprintf("%d fewer", sum.waiters))
	}
	if len(it.Wanted) != len(sum.wanted) || slices.ContainsFunc(it.Wanted, func(w Want) bool { return !slices.Contains(sum.wanted, Want{Warehouse: w.Warehouse, Orders: w.Orders}) }) {
		s.find(ruleWaiter, key, fmt.Sprintf("wanted from %+v: those in line", sum.wanted), fmt.Sprintf("%+v", it.Wanted))
	}
	for i := range it.Policies.Quotas {
		q := &it.Policies.Quotas[i]
		s.key = appendQuotaKey(s.key[:0], q.Until, it.SKU, q.Channel)
		if _, ok := s.view.Get(s.key); !ok {
			s.find(ruleQuota, key, fmt.Sprintf("the end of the quota of %q in the index, under %q", q.Channel, s.key), "nothing there")
		}
		if at, ok := s.number(prefixEnds); !ok || at > int64(q.Until) {
			s.find(ruleQuota, []byte{prefixEnds}, fmt.Sprintf("at most %d, when a quota of %s ends", q.Until, it.SKU), fmt.Sprintf("%d (there: %v)", at, ok))
		}
	}
	return true
}

// verifyRow: on hand is what is available, unavailable, held and allocated taken
// together, by definition of available; what can be wrong is the sum of claims.
func (s *verifier) verifyRow(key []byte, row *Row) {
	var held, allocated record.Quantity
	for i := range s.sums.parts {
		if p := &s.sums.parts[i]; p.Warehouse == row.Warehouse {
			held, allocated = p.Held, p.Allocated
		}
	}
	if row.Held != held || row.Allocated != allocated {
		s.find(ruleCounters, key, fmt.Sprintf("%d held and %d allocated at %q: the sums of its holds", held, allocated, row.Warehouse),
			fmt.Sprintf("%d and %d, of %d on hand, after movement %d", row.Held, row.Allocated, row.OnHand, row.Number))
	}
}

// sumUp adds up the holds of a SKU, and the line of those that wait.
func (s *verifier) sumUp(sku record.SKU) {
	sum := &s.sums
	*sum = itemSums{parts: sum.parts[:0], by: sum.by[:0], wanted: sum.wanted[:0]}
	from := appendHoldKey(nil, sku, "")
	to := append(bytes.Clone(from[:len(from)-1]), 1)
	s.view.Scan(from, to, func(key, value []byte) bool {
		if s.undecodable(key, s.hold.decode(value)) {
			return true
		}
		s.sums.add(record.OrderKey(key[len(from):]), &s.hold)
		return true
	})
	from = append(append(append(from[:0], prefixWaiter), sku...), 0)
	s.view.Scan(from, appendWaiterEnd(nil, sku), func(_, value []byte) bool {
		s.sums.waiters--
		if s.waiter.decode(value) == nil { // else its own row tells
			s.sums.want(s.waiter.Ranked)
		}
		return true
	})
}

func (sum *itemSums) add(order record.OrderKey, h *Hold) {
	sum.holds++
	for i := range h.Parts {
		p := &h.Parts[i]
		k := slices.IndexFunc(sum.parts, func(r Row) bool { return r.Warehouse == p.Warehouse })
		if k < 0 {
			k = len(sum.parts)
			sum.parts = append(sum.parts, Row{Warehouse: cloneID(p.Warehouse)})
		}
		c := h.counted(p.Qty)
		sum.parts[k].Held += c.Held
		sum.parts[k].Allocated += c.Allocated
	}
	if h.Waiting == 0 {
		return
	}
	sum.waiters++
	sum.waiting += h.Waiting
	channel := channelOf(order)
	k := slices.IndexFunc(sum.by, func(w ChannelWaiting) bool { return w.Channel == channel })
	if k < 0 {
		k = len(sum.by)
		sum.by = append(sum.by, ChannelWaiting{Channel: string([]byte(channel))})
	}
	if h.Place.class == classFact {
		sum.by[k].Facts += h.Waiting
	} else {
		sum.by[k].Backorders += h.Waiting
	}
}

func (sum *itemSums) want(ranked []record.Ranked) {
	for i := range ranked {
		at := ranked[i].Warehouse
		if named(ranked[:i], at) {
			continue
		}
		k := slices.IndexFunc(sum.wanted, func(w Want) bool { return w.Warehouse == at })
		if k < 0 {
			k = len(sum.wanted)
			sum.wanted = append(sum.wanted, Want{Warehouse: cloneID(at)})
		}
		sum.wanted[k].Orders++
	}
}

// cloneID copies a view.
func cloneID(w record.WarehouseID) record.WarehouseID { return record.WarehouseID([]byte(w)) }

// verifyHold finds holds without an item; the item adds up those it has.
func (s *verifier) verifyHold(key []byte) bool {
	sku := s.cutSKU(key)
	if sku == nil {
		return false
	}
	if s.known != nil && bytes.Equal(sku, s.known) {
		return true
	}
	s.key = append(append(s.key[:0], prefixItem), sku...)
	if _, ok := s.view.Get(s.key); !ok {
		s.find(ruleHold, key, fmt.Sprintf("an item %q that counts it", sku), "none")
		s.known = nil
		return true
	}
	s.known = append(s.known[:0], sku...)
	return true
}

const waiterTailBytes = 1 + 1 + 8 // the 0 behind the SKU, class and number

// verifyWaiter: who stands in line has a hold that waits at this place. Together
// with the sums of the item that is one for each.
func (s *verifier) verifyWaiter(key, value []byte) bool {
	if len(key) < 2+waiterTailBytes || key[len(key)-waiterTailBytes] != 0 {
		return false
	}
	if s.undecodable(key, s.waiter.decode(value)) {
		return true
	}
	sku, at := record.SKU(key[1:len(key)-waiterTailBytes]), cutWaiterKey(key)
	s.key = appendHoldKey(s.key[:0], sku, s.waiter.OrderKey)
	hold, ok := s.view.Get(s.key)
	if !ok {
		s.find(ruleWaiter, key, fmt.Sprintf("a hold of %q that waits", s.waiter.OrderKey), "none")
	} else if s.hold.decode(hold) == nil && (s.hold.Waiting == 0 || s.hold.Place != at) {
		s.find(ruleWaiter, key, fmt.Sprintf("a hold of %q that waits at %+v", s.waiter.OrderKey, at), fmt.Sprintf("%+v", s.hold))
	}
	return true
}

// verifyBehind: the key that is the prefix alone counts the others.
func (s *verifier) verifyBehind(key, value []byte) bool {
	if len(key) > 1 {
		_, err := decodeBehind(value)
		s.undecodable(key, err)
		if n, ok := s.number(prefixBehind); !ok || n <= 0 {
			s.find(ruleBehind, key, "to be counted", fmt.Sprintf("a count of %d", n))
		}
		return true
	}
	n, _ := s.number(prefixBehind)
	found := int64(0)
	s.view.Scan([]byte{prefixBehind, 1}, []byte{prefixBehind + 1}, func(_, _ []byte) bool {
		found++
		return true
	})
	if n != found || n <= 0 {
		s.find(ruleBehind, key, fmt.Sprintf("%d: the number of SKUs that are behind", found), fmt.Sprint(n))
	}
	return true
}

// verifyEvent: an event id is forgotten only by way of the index.
func (s *verifier) verifyEvent(key, value []byte) bool {
	_, end, err := decodeEvent(value)
	if s.undecodable(key, err) {
		return true
	}
	s.key = append(binary.BigEndian.AppendUint64(append(s.key[:0], prefixForget), uint64(end)), key[1:]...)
	if _, ok := s.view.Get(s.key); !ok {
		s.find(ruleEvent, key, fmt.Sprintf("its end in the index, under %q", s.key), "nothing there")
	}
	return len(key) > 1
}

// verifyForget: an end in the index is the id's, or an earlier one: an id may come
// again after its end, when the index hasn't been worked off that far yet. None is
// before the smallest.
func (s *verifier) verifyForget(key []byte) bool {
	if len(key) <= 9 {
		return false
	}
	end, tail := cutForgetKey(key)
	s.key = append(append(s.key[:0], prefixEvent), tail...)
	value, ok := s.view.Get(s.key)
	if !ok {
		s.find(ruleEvent, key, fmt.Sprintf("an event id under %q", s.key), "none")
	} else if _, is, err := decodeEvent(value); err == nil && is < end {
		s.find(ruleEvent, key, fmt.Sprintf("an id that is remembered up to %d, or longer", end), fmt.Sprintf("up to %d", is))
	}
	if at, ok := s.number(prefixPurge); !ok || at > int64(end) {
		s.find(ruleEvent, []byte{prefixPurge}, fmt.Sprintf("at most %d, the end of %q", end, key), fmt.Sprintf("%d (there: %v)", at, ok))
	}
	return true
}

func (s *verifier) verifyQuota(key []byte) bool {
	if len(key) <= 9 {
		return false
	}
	until, sku := cutQuotaKey(key)
	_, channel, ok := bytes.Cut(key[9:], []byte{0})
	if !ok {
		return false
	}
	s.key = append(append(s.key[:0], prefixItem), sku...)
	value, ok := s.view.Get(s.key)
	if ok && s.item.decode(value) != nil {
		return true // its own row tells
	}
	if !ok || s.item.Policies.until(string(channel)) != until {
		s.find(ruleQuota, key, fmt.Sprintf("a quota of %q for %q that ends at %d", sku, channel, until), fmt.Sprintf("none (the item is there: %v)", ok))
	}
	return true
}

// number reads a key that holds one number.
func (s *verifier) number(prefix byte) (n int64, ok bool) {
	s.key = append(s.key[:0], prefix)
	value, ok := s.view.Get(s.key)
	if !ok {
		return 0, false
	}
	r := pack.NewReader(value)
	n = r.Int()
	return n, r.Close() == nil
}

func (s *verifier) verifyNumber(key, value []byte) {
	r := pack.NewReader(value)
	r.Int()
	s.undecodable(key, r.Close())
}
