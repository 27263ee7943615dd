package inventory

import (
	"fmt"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// A quota ends at its time: what it had left is free at once, and goes to who
// waits. An index by that time lets quotas be ended in order, and one key holds
// its smallest time, so that a transaction with nothing to end reads one key.
//
// A quota is ended before anything else is decided of its SKU at or after its
// time, wherever the index has come to: how far that is depends on where
// transactions were cut, and must not change a decision.

// quotaValue is all that the index holds: its version.
var quotaValue = [...]byte{1}

// decidePolicy applies a change of policies, and keeps the index of quotas. It
// tells whether anything changed that channels are to know.
func (s *Stage) decidePolicy(tx stage.Tx, it *cached, c *record.StockCommand, d *record.Decision) (changed bool) {
	channel := c.Policy.Channel
	was := it.Policies.until(channel)
	changed = policy(&it.Item, c, tx.Now(), d)
	until := it.Policies.until(channel)
	if was == until {
		return changed
	}
	next, ok := s.nextQuotaEnd(tx)
	if was != 0 {
		s.key = appendQuotaKey(s.key[:0], was, it.SKU, channel)
		tx.Delete(s.key)
		if next == was {
			next, ok = s.firstQuotaEnd(tx)
			s.setNextQuotaEnd(tx, next, ok)
		}
	}
	if until != 0 {
		s.key = appendQuotaKey(s.key[:0], until, it.SKU, channel)
		tx.Put(s.key, quotaValue[:])
		if !ok || until < next {
			s.setNextQuotaEnd(tx, until, true)
		}
	}
	return changed
}

// firstQuotaEnd returns the smallest time in the index, by looking.
func (s *Stage) firstQuotaEnd(tx stage.Tx) (at record.Millis, ok bool) {
	tx.Scan([]byte{prefixQuota}, []byte{prefixQuota + 1}, func(key, _ []byte) bool {
		at, _ = cutQuotaKey(key)
		ok = true
		return false
	})
	return at, ok
}

// until returns when the channel's quota ends; 0: there is none.
func (ps *Policies) until(channel string) record.Millis {
	if q := ps.quota(channel); q != nil {
		return q.Until
	}
	return 0
}

// firstDue returns the quota that ended first, or nil.
func (ps *Policies) firstDue(now record.Millis) *Quota {
	var first *Quota
	for i := range ps.Quotas {
		if q := &ps.Quotas[i]; q.Until <= now && (first == nil || q.Until < first.Until) {
			first = q
		}
	}
	return first
}

// endQuotas ends the item's quotas whose time has come, one after the other, as
// if each had been ended at its time.
func (s *Stage) endQuotas(tx stage.Tx, it *cached) {
	for len(it.Policies.Quotas) > 0 {
		q := it.Policies.firstDue(tx.Now())
		if q == nil {
			return
		}
		channel := q.Channel
		s.key = appendQuotaKey(s.key[:0], q.Until, it.SKU, channel)
		tx.Delete(s.key)
		it.Policies.setQuota(channel, record.SettingRemove, 0)
		it.dirty, it.moved, it.mover = true, true, record.Origin{} // nothing but time caused it
		s.begin(record.VerbPolicy, it.SKU, "")
		s.serve(tx, it, "quota:", channel, record.Origin{})
	}
}

// endDueQuotas ends quotas whose time has come, at most EndMax of them.
func (s *Stage) endDueQuotas(tx stage.Tx) {
	now := tx.Now()
	if at, ok := s.nextQuotaEnd(tx); !ok || now < at {
		return
	}
	var skus []record.SKU
	next, more := record.Millis(0), false
	tx.Scan([]byte{prefixQuota}, []byte{prefixQuota + 1}, func(key, _ []byte) bool {
		until, sku := cutQuotaKey(key)
		if until > now || len(skus) == s.cfg.EndMax {
			next, more = until, true
			return false
		}
		skus = append(skus, record.SKU(sku))
		return true
	})
	for _, sku := range skus {
		s.endQuotas(tx, s.load(tx, sku))
	}
	s.setNextQuotaEnd(tx, next, more)
}

// nextQuotaEnd returns the smallest time in the index. That may be of a quota
// that has ended already.
func (s *Stage) nextQuotaEnd(tx stage.Tx) (at record.Millis, ok bool) {
	s.key = append(s.key[:0], prefixEnds)
	value, ok := tx.Get(s.key)
	if !ok {
		return 0, false
	}
	r := pack.NewReader(value)
	at = record.Millis(r.Int())
	if err := r.Close(); err != nil {
		panic(fmt.Sprintf("BUG: state of the index of quotas: %v", err))
	}
	return at, true
}

func (s *Stage) setNextQuotaEnd(tx stage.Tx, at record.Millis, ok bool) {
	s.key = append(s.key[:0], prefixEnds)
	if !ok {
		tx.Delete(s.key)
		return
	}
	s.value = pack.AppendInt(s.value[:0], int64(at))
	tx.Put(s.key, s.value)
}
