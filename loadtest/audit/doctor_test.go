package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// A doctor spoils one thing in the clean logs; the audit must name the rule.
var doctors = []struct {
	name  string
	spoil func(t *toy)
	rule  Rule
}{
	{"a reserve grants one unit more than was there", func(t *toy) {
		// The ledger is consistent in itself: only the model knows better.
		d, _ := t.decision(0, isReserve("shopee/main/S-6"))
		t.move(d, "HCM-1", 1, record.Counters{Allocated: 1})
		d.Outcome = record.OutcomePartial
		d.Waiting--
	}, RuleOversold},
	{"a unit is promised that is promised already", func(t *toy) {
		t.generous = true
		t.create("web/main/W-20", true, map[string]record.Quantity{"MUG": 100})
		t.publish()
	}, RuleOversold},
	{"a shelf is left with fewer than no units", func(t *toy) {
		t.stock(record.VerbAdjust, "MUG", "HCM-1", -50)
		t.publish()
	}, RuleNegativeOnHand},
	{"a fill grants what isn't there", func(t *toy) {
		o := t.orders["shopee/main/S-6"]
		d := &record.Decision{Verb: record.VerbFill, Outcome: record.OutcomePartial, OrderKey: "shopee/main/S-6", SKU: "CAP", Attempt: 1, Allocated: true, Requested: 3, Waiting: 2}
		t.move(d, "HCM-1", 1, record.Counters{Allocated: 1})
		t.decide("log.orders", o.key, o.origin, d)
	}, RuleOversold},
	{"the log claims more on hand than came in", func(t *toy) {
		d, _ := t.decision(0, isReserve("web/main/W-1"))
		d.Moves[0].Before.OnHand += 100
		d.Moves[0].After.OnHand += 100
	}, RuleNotConserved},
	{"an adjustment goes below zero", func(t *toy) {
		d, _ := t.decision(0, verb(record.VerbAdjust))
		d.Moves[0].Qty = -9
		d.Moves[0].After.OnHand = d.Moves[0].Before.OnHand - 9
	}, RuleNegativeOnHand},
	{"a movement is missing in the middle of a chain", func(t *toy) {
		_, f := t.decision(0, isReserve("web/main/W-2"))
		t.remove(f)
	}, RuleNotConserved},
	{"a movement is in the ledger twice", func(t *toy) {
		d, f := t.decision(0, verb(record.VerbConfirm))
		t.decide("log.availability", "TEE", f.entries[0].origin, d)
	}, RuleNotConserved},
	{"a part is given back that isn't claimed", func(t *toy) {
		o := t.orders["web/main/W-7"]
		d := t.command(o, &o.lines[0], record.VerbReduce, "again")
		t.move(d, "HCM-1", 1, record.Counters{Allocated: -1})
		t.decide("log.availability", "MUG", o.origin, d)
	}, RuleReleasedTwice},
	{"a return brings back one unit less than its counters say", func(t *toy) {
		d, _ := t.decision(0, verb(record.VerbReturn))
		d.Moves[0].Qty--
	}, RuleNotConserved},
	{"damage takes units off the shelf", func(t *toy) {
		d, _ := t.decision(0, verb(record.VerbDamage))
		d.Moves[0].After.OnHand -= 3
	}, RuleNotConserved},
	{"damage is taken back that never was", func(t *toy) {
		t.stock(record.VerbDamage, "PEN", "HN-1", -5)
	}, RuleNotConserved},
	{"a shipment without a claim takes units that aren't there", func(t *toy) {
		d, _ := t.decision(0, func(d *record.Decision) bool {
			return d.Verb == record.VerbShipUnclaimed && d.Reason == record.ReasonFoundByShipment
		})
		m := &d.Moves[1]
		m.Number--
		m.Before.OnHand -= d.Moves[0].Qty
		m.After.OnHand -= d.Moves[0].Qty
		d.Moves = d.Moves[1:]
	}, RuleNegativeOnHand},
	{"a return that nobody asked for", func(t *toy) {
		t.remove(t.find(0, func(f *fact) bool { return f.command() != nil && f.command().Verb == record.VerbReturn }))
	}, RuleNotConserved},
	{"a release gives back one unit less than its counters say", func(t *toy) {
		d, _ := t.decision(0, verb(record.VerbRelease))
		d.Moves[0].Qty--
	}, RuleNotConserved},
	{"a refusal moves stock", func(t *toy) {
		d, _ := t.decision(0, isReserve("web/main/W-1"))
		d.Outcome = record.OutcomeRefused
	}, RuleNotConserved},
	{"an answer names fewer units than were asked for", func(t *toy) {
		d, _ := t.decision(0, isReserve("shopee/main/S-6"))
		d.Waiting--
	}, RuleNotConserved},
	{"a shipment books in units that it doesn't need", func(t *toy) {
		d, _ := t.decision(0, verb(record.VerbShip))
		m := &d.Moves[0]
		found := record.Movement{Warehouse: m.Warehouse, Number: m.Number, Qty: 5, Before: m.Before, After: m.Before}
		found.After.OnHand += 5
		d.Reason = record.ReasonFoundByShipment
		d.Moves = slices.Insert(d.Moves, 0, found)
		t.shift("CAP", "HCM-1", m.Number, 1, 5, d)
	}, RuleNotConserved},
	{"stock moves that nobody asked to move", func(t *toy) {
		t.remove(t.find(0, func(f *fact) bool { return f.command() != nil && f.command().Verb == record.VerbShip }))
	}, RuleNotConserved},
	{"the claim of an expired order stays", func(t *toy) {
		_, f := t.decision(0, func(d *record.Decision) bool { return d.Verb == record.VerbRelease && d.SKU == "CAP" })
		d := f.decision()
		d.Moves, d.Outcome = nil, record.OutcomeNoClaim
		t.shift("CAP", "HCM-1", 5, -1, 0, nil)
	}, RuleLeaked},
	{"an order believes it has units that it hasn't", func(t *toy) {
		f := t.find(0, func(f *fact) bool { return f.update() != nil && f.update().OrderKey == "web/main/W-5" })
		f.update().Lines[0].State = record.LineAllocated
	}, RuleLeaked},
	{"a cancelled order still waits for stock", func(t *toy) {
		t.cancel(t.orders["shopee/main/S-6"], record.LineCancelled)
		d, _ := t.decision(0, func(d *record.Decision) bool { return d.Verb == record.VerbRelease && d.OrderKey == "shopee/main/S-6" })
		d.Outcome = record.OutcomeStale
	}, RuleLeaked},
	{"a claim is given back twice", func(t *toy) {
		o := t.orders["web/main/W-3"]
		t.command(o, &o.lines[0], record.VerbRelease, "again")
		d := &record.Decision{Verb: record.VerbRelease, Outcome: record.OutcomeDone, OrderKey: "web/main/W-3", SKU: "CAP", Attempt: 1}
		t.move(d, "HCM-1", 2, record.Counters{Held: -2})
		t.decide("log.availability", "CAP", o.origin, d)
		t.publish()
	}, RuleReleasedTwice},
	{"a reserve is decided twice", func(t *toy) {
		d, f := t.decision(0, isReserve("shopee/main/S-6"))
		t.decide("log.orders", "shopee/main/S-6", f.entries[0].origin, d)
	}, RuleDecidedTwice},
	{"a stock event is applied twice", func(t *toy) {
		first := t.find(0, func(f *fact) bool { return f.Topic == "stock.feed" })
		d := &record.Decision{Verb: record.VerbReceive, Outcome: record.OutcomeDone, SKU: "TEE", Cause: "e-1", Requested: 10}
		t.write("log.inventory", half("TEE"), "", nil, factEntry{record.KindStock, "TEE", first.origin(), &record.StockCommand{
			Verb: record.VerbReceive, EventID: "e-1", SKU: "TEE", Warehouse: "HCM-1", Qty: 10}})
		t.move(d, "HCM-1", 10, record.Counters{OnHand: 10})
		t.decide("log.availability", "TEE", first.origin(), d)
	}, RuleDecidedTwice},
	{"intake takes an order twice", func(t *toy) {
		f := t.find(0, func(f *fact) bool { return f.Topic == "log.orders" && f.entries[0].kind == record.KindOrderEvent })
		t.write("log.orders", int(f.Partition), "", nil, f.entries...)
	}, RuleDecidedTwice},
	{"one command, two decisions", func(t *toy) {
		t.decide("log.availability", "TEE", record.Origin{}, &record.Decision{Verb: record.VerbConfirm, Outcome: record.OutcomeNoClaim, OrderKey: "web/main/W-2", SKU: "TEE", Attempt: 1})
	}, RuleDecidedTwice},
	{"an order was decided and nobody was told", func(t *toy) {
		t.remove(t.find(0, isUpdate("web/main/W-5")))
	}, RuleOrderWithoutStory},
	{"a refused order was decided and nobody was told", func(t *toy) {
		t.remove(t.find(0, isUpdate("shopee/main/S-6")))
	}, RuleOrderWithoutStory},
	{"an event of an order that never came in", func(t *toy) {
		t.tell(&toyOrder{key: "web/main/W-0"}, record.UpdateRejected)
	}, RuleOrderWithoutStory},
	{"an order expires before its hold is due", func(t *toy) {
		t.update("web/main/W-11", record.UpdateExpired).At -= 2000
	}, RuleExpiredEarly},
	{"an order expires long after its hold was due", func(t *toy) {
		u := t.update("web/main/W-11", record.UpdateExpired)
		u.At += 5000
		t.find(0, func(f *fact) bool { return f.value == u }).at += 5000
	}, RuleExpiredLate},
	{"a hold never ends", func(t *toy) {
		for range 2 {
			t.clock += 3600_000
			t.write("log.orders", half("web/main/W-5"), "", nil, factEntry{kind: record.KindTick})
		}
	}, RuleExpiredLate},
	{"an order is paid in time and expires", func(t *toy) {
		created := t.find(0, func(f *fact) bool {
			e := f.event()
			return e != nil && e.OrderKey == "web/main/W-11" && e.Type == record.OrderCreated
		})
		pay := t.find(0, func(f *fact) bool {
			e := f.event()
			return e != nil && e.OrderKey == "web/main/W-11" && e.Type == record.OrderPaid
		})
		i, j := slices.Index(t.facts, created), slices.Index(t.facts, pay)
		t.facts = slices.Insert(slices.Delete(t.facts, j, j+1), i+1, pay)
		pay.at, pay.offset, pay.Partition = created.at, created.offset, created.Partition
		created.entries = append(created.entries, pay.entries...)
		t.remove(pay)
	}, RulePaidInTimeButExpired},
	{"an order that is paid from the start expires", func(t *toy) {
		o := t.create("web/main/W-20", true, map[string]record.Quantity{"HAT": 1})
		t.release(o, record.LineReleased, "expiry")
		t.tell(o, record.UpdateExpired)
		t.publish()
	}, RulePaidInTimeButExpired},
	{"an event is missing", func(t *toy) {
		t.remove(t.find(0, isUpdate("web/main/W-1")))
	}, RuleSeqGap},
	{"an event comes twice", func(t *toy) {
		f := t.find(0, isUpdate("web/main/W-5"))
		t.write("order.events", int(f.Partition), f.key, f.value)
	}, RuleSeqGap},
	{"a status goes back", func(t *toy) {
		t.write("channel.web.status", 0, "web/main/W-1", &record.StatusUpdate{OrderKey: "web/main/W-1", Seq: 1})
	}, RuleSeqGap},
	{"an event shows a unit less than was ordered", func(t *toy) {
		t.find(0, isUpdate("web/main/W-2")).update().Lines[0].Qty--
	}, RuleLinesDontAddUp},
	{"a channel's version stands still", func(t *toy) {
		last := t.lastOf("channel.shopee.stock")
		t.write(last.Topic, int(last.Partition), last.key, last.value)
	}, RuleVersionNotGrowing},
	{"a version of stock.events goes back", func(t *toy) {
		last := t.lastOf("stock.events")
		last.value.(*record.StockUpdate).Version = 1
	}, RuleVersionNotGrowing},
	{"a channel was told a unit too many", func(t *toy) {
		t.lastOf("channel.web.stock").value.(*record.ChannelStock).Sellable++
	}, RuleChannelNotConverged},
	{"the last update of a channel is missing", func(t *toy) {
		t.remove(t.lastOf("channel.web.stock"))
	}, RuleChannelNotConverged},
	{"a shop is told nothing at all", func(t *toy) {
		t.row(record.KindShop, "pos/main", 9, record.Shop{Channel: "pos", Shop: "main"})
	}, RuleChannelNotConverged},
	{"a channel without a row is told nothing at all", func(t *toy) {
		t.config.Channels = []string{"web", "shopee", "tiktok"}
	}, RuleChannelNotConverged},
	{"a closed shop is told to sell", func(t *toy) {
		closed := false
		t.row(record.KindShop, "web/main", 9, record.Shop{Channel: "web", Shop: "main", Active: &closed})
	}, RuleChannelNotConverged},
	{"stock.events says other counters", func(t *toy) {
		t.lastOf("stock.events").value.(*record.StockUpdate).Allocated++
	}, RuleChannelNotConverged},
	{"a combo is told too much", func(t *toy) {
		t.find(0, func(f *fact) bool { return isSellable(f, "web", "BOX") }).value.(*record.ChannelStock).Sellable++
	}, RuleChannelNotConverged},
	{"a shop is told what a quota keeps for others", func(t *toy) {
		t.find(0, isStand("HAT")).stand().Quotas = nil
	}, RuleChannelNotConverged},
	{"a combo is told what a quota keeps of its component", func(t *toy) {
		t.rulesOf("MUG").quotas = nil
		t.find(0, func(f *fact) bool { return isSellable(f, "web", "BOX") }).value.(*record.ChannelStock).Sellable = t.sellable("BOX", &t.shops[0])
	}, RuleChannelNotConverged},
	{"a shop is told what safety hides", func(t *toy) {
		t.find(0, isStand("HAT")).stand().Rows[0].Safety++
	}, RuleChannelNotConverged},
	{"a shop is told what its own buffer hides", func(t *toy) {
		t.find(0, isStand("HAT")).stand().Policies[0].Buffer++
	}, RuleChannelNotConverged},
	{"intake loses an order", func(t *toy) {
		t.write("channel.web.orders", 0, "web/main/W-9", map[string]any{"holdfast": 1})
	}, RuleInputLost},
	{"intake loses a stock record", func(t *toy) {
		t.write("stock.feed", 0, "TEE", map[string]any{"holdfast": 1})
	}, RuleInputLost},
	{"the dead letter of a broken record is missing", func(t *toy) {
		t.remove(t.lastOf("dlq"))
	}, RuleInputLost},
	{"a public record isn't there that a log names", func(t *toy) {
		t.remove(t.lastOf("channel.web.orders"))
		t.remove(t.find(0, func(f *fact) bool { return f.Topic == "channel.shopee.orders" }))
	}, RuleInputLost},
	{"inventory loses a command", func(t *toy) {
		o := t.orders["web/main/W-5"]
		t.command(o, &o.lines[0], record.VerbConfirm, "lost")
	}, RuleInputLost},
	{"inventory loses a stock record", func(t *toy) {
		public := t.write("stock.feed", 0, "TEE", map[string]any{"holdfast": 1})
		t.write("log.inventory", half("TEE"), "", nil, factEntry{record.KindStock, "TEE", public.origin(), &record.StockCommand{Verb: record.VerbReceive, EventID: "e-x", SKU: "TEE"}})
	}, RuleInputLost},
	{"the last decision of a chain is missing", func(t *toy) {
		_, f := t.decision(0, isReserve("web/main/W-5"))
		t.remove(f)
	}, RuleInputLost},
}

func isStand(sku record.SKU) func(f *fact) bool {
	return func(f *fact) bool { return f.stand() != nil && f.stand().SKU == sku }
}

func isSellable(f *fact, channel string, sku record.SKU) bool {
	u, ok := f.value.(*record.ChannelStock)
	return ok && u.Channel == channel && u.SKU == sku
}

// update returns the first event of a type that an order told.
func (t *toy) update(order record.OrderKey, what string) *record.OrderUpdate {
	return t.find(0, func(f *fact) bool {
		u := f.update()
		return u != nil && u.OrderKey == order && u.Type == what
	}).update()
}

func verb(v record.Verb) func(*record.Decision) bool {
	return func(d *record.Decision) bool { return d.Verb == v }
}

func isReserve(order record.OrderKey) func(*record.Decision) bool {
	return func(d *record.Decision) bool { return d.Verb == record.VerbReserve && d.OrderKey == order }
}

func isUpdate(order record.OrderKey) func(*fact) bool {
	return func(f *fact) bool { return f.update() != nil && f.update().OrderKey == order }
}

func (t *toy) lastOf(topic string) *fact {
	for i := len(t.facts) - 1; i >= 0; i-- {
		if t.facts[i].Topic == topic {
			return t.facts[i]
		}
	}
	panic("BUG: no such fact")
}

// shift renumbers the movements of a chain from a number on, and adds to their
// counters, so that a doctored ledger is consistent again.
func (t *toy) shift(sku, warehouse string, from uint64, by int, onHand record.Quantity, except *record.Decision) {
	for _, f := range t.facts {
		d := f.decision()
		if d == nil || string(d.SKU) != sku {
			continue
		}
		for i := range d.Moves {
			m := &d.Moves[i]
			if string(m.Warehouse) != warehouse || m.Number < from || d == except && i == 0 {
				continue
			}
			m.Number += uint64(by)
			m.Before.OnHand += onHand
			m.After.OnHand += onHand
		}
	}
}

func TestDoctoredLogsFail(t *testing.T) {
	exactly := map[Rule]bool{} // a doctor was caught by this rule and by no other
	for _, doctor := range doctors {
		t.Run(strings.ReplaceAll(doctor.name, " ", "_"), func(t *testing.T) {
			for _, settled := range []bool{true, false} {
				if !settled && doctor.rule == RuleChannelNotConverged {
					continue
				}
				b := story()
				doctor.spoil(b)
				b.config.Settled = settled
				r, err := b.audit(nil)
				require.NoError(t, err)
				require.Equal(t, Fail, r.Verdict)
				require.Contains(t, r.ViolationsByRule, doctor.rule, "%+v", r.Violations)
				requireReadable(t, r)
				exactly[doctor.rule] = exactly[doctor.rule] || settled && len(r.ViolationsByRule) == 1
				if doctor.rule == RuleOversold {
					require.Positive(t, r.OversoldUnits)
				}
			}
		})
	}
	for _, rule := range Rules {
		assert.True(t, exactly[rule], "a doctor that only %s catches", rule)
	}
}

func requireReadable(t *testing.T, r Report) {
	t.Helper()
	for _, v := range r.Violations {
		require.NotEmpty(t, v.Key)
		require.NotEmpty(t, v.Detail)
		require.NotNil(t, v.Offsets)
	}
}
