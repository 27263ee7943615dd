package inventory

import (
	"encoding/json"
	"fmt"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// decideStock decides a record of the stock feed. Its event id is remembered
// whatever the decision was: an adjustment that was refused must not be applied
// by its repetition after more stock has come.
func (s *Stage) decideStock(tx stage.Tx, e *record.Entry) error {
	c := &s.feed
	if err := c.Decode(e.Body); err != nil {
		return err
	}
	if err := checkIDs(e.Key, c.SKU, c.EventID); err != nil {
		return err
	}
	if c.Verb == record.VerbPolicy {
		if err := checkPolicy(c); err != nil {
			return err
		}
	} else if c.Warehouse == "" {
		return fmt.Errorf("an entry about %q names no warehouse", c.SKU)
	}
	if strings.IndexByte(string(c.Warehouse), 0) >= 0 {
		return fmt.Errorf("warehouse %q", c.Warehouse)
	}
	it := s.load(tx, c.SKU)
	s.endQuotas(tx, it)
	d := s.begin(c.Verb, c.SKU, c.EventID)
	d.Requested = c.Qty
	if hash, seen := s.recall(tx, c); seen {
		d.Outcome = record.OutcomeDuplicate
		if hash != c.ContentHash {
			d.Outcome, d.Reason = record.OutcomeConflict, record.ReasonEventIDConflict
			s.deadLetter(tx, e, c, "the id came before with other content")
		}
		s.send(tx, e.Origin)
		return nil
	}
	tell := false // beside movements
	switch c.Verb {
	case record.VerbCount:
		past := s.history(tx, it, c.Warehouse)
		count(&it.Item, &past.history, c, tx.Now(), d)
		past.dirty = true // also when it was only merged
	case record.VerbReceive:
		receive(&it.Item, c, d)
	case record.VerbAdjust:
		adjust(&it.Item, c, d)
	case record.VerbDamage:
		damage(&it.Item, c, d)
	case record.VerbPolicy:
		tell = s.decidePolicy(tx, it, c, d)
	default:
		return fmt.Errorf("stock command with verb %s", c.Verb)
	}
	check(&it.Item, nil, d)
	s.remember(tx, c)
	if d.Outcome == record.OutcomeDone {
		it.changed(d, e.Origin)
		if c.Verb == record.VerbReceive || c.Verb == record.VerbAdjust {
			s.noteMovements(tx, it, c.OccurredAt)
		}
		if tell {
			it.moved, it.mover = true, e.Origin
		}
	} else if d.Reason != record.ReasonCountOld { // an old count is overtaken, not wrong
		why := it.standing(c.Warehouse)
		if d.Reason == record.ReasonCountTooOld {
			why = "what moved since is no longer known"
		}
		s.deadLetter(tx, e, c, why)
	}
	s.send(tx, e.Origin)
	s.serve(tx, it, "stock:", c.EventID, e.Origin)
	return nil
}

// deadLetter writes the event off, with the decision's reason.
func (s *Stage) deadLetter(tx stage.Tx, e *record.Entry, c *record.StockCommand, why string) {
	in := record.StockInput{
		Holdfast: 1, EventID: c.EventID, Type: "stock." + c.Verb.String(), SKU: c.SKU, Warehouse: c.Warehouse,
		OccurredAt: c.OccurredAt, Reason: c.Reason,
	}
	what := ""
	if c.Verb == record.VerbPolicy {
		p := &c.Policy
		in.Channel, in.Until = p.Channel, p.Until
		in.Safety, in.Buffer, in.Cap, in.Quota = p.Safety.Input(), p.Buffer.Input(), p.Cap.Input(), p.Quota.Input()
		what = fmt.Sprintf("of %q", c.SKU)
	} else {
		in.Qty = &c.Qty
		what = fmt.Sprintf("of %d units of %q at %q", c.Qty, c.SKU, c.Warehouse)
	}
	value, err := json.Marshal(in)
	if err != nil {
		panic(fmt.Sprintf("BUG: stock event %q: %v", c.EventID, err))
	}
	tx.DeadLetter(stage.DeadLetter{
		Origin: e.Origin, Reason: s.decision.Reason, Key: e.Key, Value: value,
		Message: fmt.Sprintf("%s %q %s: %s", in.Type, c.EventID, what, why),
	})
}
