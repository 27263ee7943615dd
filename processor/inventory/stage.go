package inventory

import (
	"fmt"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// Stage is the inventory of one partition of log.inventory.
//
// Items are read at their first touch in a transaction and written once, at its
// end; holds, waiters and event ids are written with the decision that changes
// them.
type Stage struct {
	cfg     Config
	cache   cache
	catalog catalog
	ended   ended

	// What follows is memory that is used again for every entry.
	command      record.Command
	feed         record.StockCommand
	decision     record.Decision
	hold         Hold // of the command's order
	other        Hold // of an order that waits
	picker       picker
	line         line
	gained       []int // rows whose available units rose
	looked       int   // of those that wait, in this transaction
	availability record.Availability
	key, value   []byte
}

var _ stage.Stage = (*Stage)(nil)

// New returns the stage of one task. The configuration must be valid.
func New(cfg Config) *Stage {
	if err := cfg.Validate(); err != nil {
		panic("BUG: " + err.Error())
	}
	return &Stage{cfg: cfg.withDefaults(), cache: cache{bySKU: map[record.SKU]*cached{}}}
}

// Decide decides every entry of the envelope. Only other stages of the same
// topology write to the log, so what can't be read is a bug.
func (s *Stage) Decide(tx stage.Tx, r *stage.Record) {
	err := record.Entries(r.Value, func(e record.Entry) error {
		switch e.Kind {
		case record.KindCommand:
			return s.decideCommand(tx, &e)
		case record.KindStock:
			return s.decideStock(tx, &e)
		case record.KindCatalog:
			return s.decideCatalog(tx, &e)
		case record.KindTick:
			return nil
		}
		return fmt.Errorf("entry of kind %s", e.Kind)
	})
	if err != nil {
		panic(fmt.Sprintf("BUG: inventory at %s: %v", r.Origin(), err))
	}
}

// Finish ends quotas that are due, serves on where it was left off, writes the
// items that changed, and forgets event ids that are due.
func (s *Stage) Finish(tx stage.Tx) {
	s.endDueQuotas(tx)
	s.catchUp(tx)
	for _, c := range s.cache.items[:s.cache.used] {
		s.write(tx, c)
	}
	s.tellCombos(tx)
	s.ended.count(tx)
	s.forget(tx)
}

// Reset forgets the transaction. Views of its records and of state values are
// let go, or they would keep whole fetches alive.
func (s *Stage) Reset() {
	s.cache.reset()
	s.catalog.reset()
	s.looked = 0
	s.ended = ended{}
	clear(s.command.Ranked[:cap(s.command.Ranked)])
	clear(s.command.Parts[:cap(s.command.Parts)])
	s.command = record.Command{Ranked: s.command.Ranked[:0], Parts: s.command.Parts[:0]}
	s.feed = record.StockCommand{}
	clear(s.decision.Moves[:cap(s.decision.Moves)])
	s.decision = record.Decision{Moves: s.decision.Moves[:0]}
	s.hold.reset()
	s.other.reset()
	s.line.reset()
	a := &s.availability
	clear(a.Rows[:cap(a.Rows)])
	clear(a.Policies[:cap(a.Policies)])
	clear(a.Quotas[:cap(a.Quotas)])
	*a = record.Availability{Rows: a.Rows[:0], Policies: a.Policies[:0], Quotas: a.Quotas[:0]}
}

// Due tells when event ids are next to be forgotten, or quotas to be ended; at
// once, when there are units that haven't been handed out yet.
func (s *Stage) Due(tx stage.Tx) (record.Millis, bool) {
	if s.behindSKUs(tx) > 0 {
		return 0, true
	}
	at, ok := s.nextForget(tx)
	if end, some := s.nextQuotaEnd(tx); some && (!ok || end < at) {
		at, ok = end, true
	}
	return at, ok
}

// send emits the decision, to who waits for it or to the ledger, and counts it.
func (s *Stage) send(tx stage.Tx, origin record.Origin) {
	d := &s.decision
	log := stage.LogAvailability
	s.key = append(s.key[:0], d.SKU...)
	if d.Verb == record.VerbReserve || d.Verb == record.VerbFill {
		log = stage.LogOrders
		s.key = append(s.key[:0], d.OrderKey...)
	}
	s.value = record.AppendDecision(s.value[:0], d)
	tx.Send(log, record.KindDecision, s.key, origin, s.value)
	s.ended[d.Verb][d.Outcome]++
}

// begin makes an empty decision.
func (s *Stage) begin(verb record.Verb, sku record.SKU, cause string) *record.Decision {
	d := &s.decision
	*d = record.Decision{Verb: verb, SKU: sku, Cause: cause, Moves: d.Moves[:0]}
	return d
}

// checkIDs tells whether state keys can be made of a SKU and what follows it.
func checkIDs(entryKey []byte, sku record.SKU, ids ...string) error {
	if string(entryKey) != string(sku) {
		return fmt.Errorf("entry of key %q is about %q", entryKey, sku)
	}
	if sku == "" || strings.IndexByte(string(sku), 0) >= 0 {
		return fmt.Errorf("SKU %q", sku)
	}
	for _, id := range ids {
		if id == "" {
			return fmt.Errorf("an id of an entry about %q is empty", sku)
		}
	}
	return nil
}
