package order

import (
	"flag"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

var (
	seedFlag  = flag.Int64("order.seed", 0, "seed of the random test; 0 draws one")
	stepsFlag = flag.Int("order.steps", 60_000, "steps of the random test")
)

// TestRandomAgainstModel sends random events, late, doubled, contradicting each
// other and in any order, to the stage and to the model, with an inventory in
// between that answers when it likes. After every step both have said the same.
func TestRandomAgainstModel(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("replay with -run TestRandomAgainstModel -order.seed=%d", seed)
	w := newWorld(t, rand.New(rand.NewSource(seed)))
	for step := range *stepsFlag {
		w.step(step)
		if step%25 == 0 {
			require.NoError(t, checkState(w.task))
		}
	}
	w.finish()
	t.Logf("%d commands, %d events; by type %v, dead letters %v", w.commandCount, w.toldCount, w.types, w.deadCount)
	for _, typ := range []string{"accepted", "rejected", "confirmed", "expired", "revived", "cancelled", "filled", "picking", "packed",
		"shipped", "delivered", "completed", "returned", "refused"} {
		require.Positive(t, w.types["order."+typ], typ)
	}
	for _, word := range []string{"reserve", "confirm", "release", "reduce", "ship", "ship_unclaimed", "return",
		"order.accepted undecided", "order.rejected undecided", "order.revived expired_before_payment", "order.cancelled line_unknown",
		"order.shipped shipped_after_cancel", "order.shipped shipped_unallocated", "order.returned not_shipped",
		"order.refused not_allocated", "order.refused not_shipped", "order.refused event_id_conflict", "order.refused order_cancelled"} {
		require.Positive(t, w.words[word], "%s: %v", word, w.words)
	}
	require.Len(t, w.types, len(Outcomes()))
	for i, name := range Outcomes() {
		require.Equal(t, w.types["order."+strings.TrimPrefix(name, "event ")], w.task.Counted[i], name)
	}
}

type world struct {
	t     *testing.T
	rnd   *rand.Rand
	now   record.Millis
	task  *stagetest.Task
	model *model
	stock *fakeInventory

	commands  map[record.SKU][]*record.Command  // on their way to inventory
	decisions map[record.SKU][]*record.Decision // on their way back
	reminders []record.Entry                    // on their way to ourselves
	sent      []sentEvent                       // to be sent again
	seq       map[string]int64
	received  map[record.SKU]record.Quantity
	rows      map[string]bool // warehouses, and whether they are in the table
	ids       int
	log       []delivery            // all that the stage was given
	born      map[int]record.Millis // orders' own time, by number

	commandCount, toldCount int
	types, deadCount        map[string]int
	words                   map[string]int // verbs of commands, types of events with their reasons
}

// delivery is an entry and the log time at which the stage got it.
type delivery struct {
	at    record.Millis
	entry record.Entry
}

type sentEvent struct {
	e     *record.OrderEvent
	topic string
}

var (
	worldSKUs     = []record.SKU{"A", "B", "C", "D"}
	worldChannels = []string{"web", "shopee", "pos", "mobile"}
)

func newWorld(t *testing.T, rnd *rand.Rand) *world {
	cfg := DefaultConfig()
	cfg.KeepClosedMillis, cfg.AcceptAgeMillis, cfg.MarketplaceHoldMillis = 240_000, 200_000, 60_000
	cfg.DecideWithinMillis, cfg.InboxMillis, cfg.InboxEventsMax = 20_000, 60_000, 4
	w := &world{t: t, rnd: rnd, now: base, task: stagetest.NewTask(New(cfg)), model: newModel(cfg), stock: newFakeInventory(t),
		commands: map[record.SKU][]*record.Command{}, decisions: map[record.SKU][]*record.Decision{},
		seq: map[string]int64{}, born: map[int]record.Millis{}, received: map[record.SKU]record.Quantity{}, types: map[string]int{}, words: map[string]int{}, rows: map[string]bool{}, deadCount: map[string]int{}}
	return w
}

// step is one transaction of the stage, or one of inventory.
func (w *world) step(n int) {
	w.now += record.Millis(w.rnd.Intn(400))
	if n%5000 == 4999 {
		w.now += 300_000 // nobody comes for a while
	}
	switch p := w.rnd.Intn(100); {
	case p < 30:
		w.inventory()
	case p < 60:
		w.decide()
	case p < 62:
		w.remind()
	case p < 63:
		w.changeWarehouse()
	case p < 64, p < 67 && n/3000%2 == 0: // plenty, and far too little, by turns
		sku := worldSKUs[w.rnd.Intn(3)] // D is never heard of
		at, n := []record.WarehouseID{"HCM-1", "HN-1"}[w.rnd.Intn(2)], record.Quantity(1+w.rnd.Intn(5))
		w.ids++
		w.received[sku] += n
		w.send(w.stock.receive(sku, at, n, fmt.Sprint("s", w.ids)))
		w.tick()
	default:
		e := w.randomEvent()
		w.sent = append(w.sent, e)
		w.take(e)
	}
	w.compare()
}

func (w *world) take(e sentEvent) {
	w.deliver(record.Entry{Kind: record.KindOrderEvent, Key: []byte(e.e.OrderKey), Origin: record.Origin{Topic: e.topic},
		Body: record.AppendOrderEvent(nil, e.e)})
	w.model.event(e.e, e.topic)
}

func (w *world) deliver(e record.Entry) {
	w.log = append(w.log, delivery{w.now, e})
	w.task.Entries(w.now, e)
	w.hint()
	w.model.due(w.now)
}

// hint tells the model from which warehouse the stage ships units that nobody
// claims: of an order that has never been anywhere, it takes the best one, which
// the model doesn't know.
func (w *world) hint() {
	w.model.best = map[record.OrderKey]string{}
	if !slices.Contains(slices.Collect(maps.Values(w.rows)), true) {
		return
	}
	for _, x := range w.task.Sent {
		var c record.Command
		if x.Log == stage.LogInventory && c.Decode(x.Entry.Body) == nil && c.Verb == record.VerbShipUnclaimed && w.model.best[c.OrderKey] == "" {
			w.model.best[c.OrderKey] = string(c.Parts[0].Warehouse)
		}
	}
}

// remind brings the next reminder, or just a tick.
func (w *world) remind() {
	if len(w.reminders) == 0 {
		w.tick()
		return
	}
	e := w.reminders[0]
	w.reminders = w.reminders[1:]
	w.deliver(e)
	w.model.remind(record.OrderKey(e.Key), int(e.Body[0]))
}

func (w *world) tick() { w.deliver(record.Entry{Kind: record.KindTick}) }

// changeWarehouse changes what reserves are ranked by. The model doesn't look at
// that; other tests compare it.
func (w *world) changeWarehouse() {
	w.ids++
	id := fmt.Sprint("W-", w.rnd.Intn(5))
	row := record.TableRow{Key: id, Version: record.Offset(w.ids), Deleted: w.rnd.Intn(4) == 0,
		JSON: fmt.Appendf(nil, `{"id":%q,"priority":%d}`, id, w.rnd.Intn(3))}
	if w.rnd.Intn(2) == 0 {
		row.Key = []string{"HCM-1", "HN-1"}[w.rnd.Intn(2)] // where the stock is
		row.JSON = fmt.Appendf(nil, `{"id":%q,"capacity_per_hour":%d}`, row.Key, w.rnd.Intn(30))
	}
	w.rows[row.Key] = !row.Deleted
	w.deliver(record.Entry{Kind: record.KindWarehouse, Key: []byte(row.Key), Body: record.AppendTableRow(nil, &row)})
}

// inventory decides the next command of a SKU.
func (w *world) inventory() {
	sku := worldSKUs[w.rnd.Intn(len(worldSKUs))]
	if q := w.commands[sku]; len(q) > 0 {
		w.commands[sku] = q[1:]
		w.send(w.stock.command(q[0]))
	}
	w.tick()
}

func (w *world) send(decisions []*record.Decision) {
	for _, d := range decisions {
		w.decisions[d.SKU] = append(w.decisions[d.SKU], d)
	}
}

// decide hands the next decision of a SKU to the stage.
func (w *world) decide() {
	sku := worldSKUs[w.rnd.Intn(len(worldSKUs))]
	q := w.decisions[sku]
	if len(q) == 0 {
		w.tick()
		return
	}
	w.decisions[sku] = q[1:]
	w.deliver(record.Entry{Kind: record.KindDecision, Key: []byte(q[0].OrderKey), Body: record.AppendDecision(nil, q[0])})
	w.model.decision(q[0])
}

// randomEvent is of one of the last orders, or of the next.
func (w *world) randomEvent() sentEvent {
	if len(w.sent) > 0 && w.rnd.Intn(8) == 0 {
		return w.sent[max(0, len(w.sent)-1-w.rnd.Intn(60))]
	}
	number := max(0, w.ids/12-w.rnd.Intn(8))
	w.ids++
	r := rand.New(rand.NewSource(int64(number))) // an order's shape follows from its number
	channel := worldChannels[r.Intn(len(worldChannels))]
	e := &record.OrderEvent{EventID: fmt.Sprint("e", w.ids), OrderKey: record.MakeOrderKey(channel, "main", fmt.Sprint(number)),
		Fact: record.OrdersAreFacts(channel), OccurredAt: w.now - record.Millis(w.rnd.Intn(5000))}
	if w.rnd.Intn(50) == 0 {
		e.EventID = fmt.Sprint("e", w.ids-w.rnd.Intn(30)) // of another event
	}
	topic := "holdfast.channel." + channel + ".orders"
	switch p := w.rnd.Intn(100); {
	case p < 40:
		if w.born[number] == 0 {
			w.born[number] = w.now - record.Millis(w.rnd.Intn(210_000)*w.rnd.Intn(20)/19) // some are too old
		}
		e.Type, e.EventID, e.OccurredAt = record.OrderCreated, fmt.Sprint("c", number), w.born[number]
		e.Order = randomBody(r)
		switch w.rnd.Intn(30) {
		case 0:
			e.Order.Lines[0].Qty++
		case 1:
			e.EventID += "x"
		}
	case p < 60:
		e.Type = record.OrderPaid
	case p < 58+8:
		e.Type = record.OrderCancelled
		if w.rnd.Intn(2) == 0 {
			e.Lines = w.randomLines()
		}
		topic = []string{topic, "holdfast.channel.callcentre.orders"}[w.rnd.Intn(2)]
	case p < 82:
		e.Type = []record.OrderEventType{record.OrderPicked, record.OrderPacked, record.OrderShipped, record.OrderShipped, record.OrderDelivered, record.OrderReturned}[w.rnd.Intn(6)]
		topic = "holdfast.fulfilment.feed"
		if w.rnd.Intn(2) == 0 {
			e.Lines = w.randomLines()
		}
		if w.rnd.Intn(4) == 0 {
			e.Warehouse = []record.WarehouseID{"HCM-1", "HN-1"}[w.rnd.Intn(2)]
		}
	case p < 98:
		e.Type = record.OrderStatus
		e.State = record.ChannelState(1 + w.rnd.Intn(6))
		if e.State == record.StateCancelled && w.rnd.Intn(2) == 0 {
			e.State = record.StatePaid
		}
	default:
		e.Type, e.Text = record.OrderNotSupported, "order.amended"
	}
	e.ContentHash = contentHash(e)
	return sentEvent{e, topic}
}

// randomLines names lines, now and then one twice, or one that isn't there.
func (w *world) randomLines() (lines []record.LineQty) {
	for range 1 + w.rnd.Intn(2) {
		lines = append(lines, record.LineQty{Line: fmt.Sprint(1 + w.rnd.Intn(3)), Qty: record.Quantity(1 + w.rnd.Intn(3)), Restock: record.Restock(w.rnd.Intn(3))})
	}
	return lines
}

func randomBody(r *rand.Rand) *record.OrderBody {
	b := &record.OrderBody{Payment: record.Payment(1 + r.Intn(3)), Allow: record.Allow(1 + r.Intn(3)), HoldSeconds: int64(1 + r.Intn(40))}
	for i := range 1 + r.Intn(3) {
		sku := worldSKUs[r.Intn(3)]
		if r.Intn(20) == 0 {
			sku = "D"
		}
		b.Lines = append(b.Lines, record.OrderLine{Line: fmt.Sprint(i + 1), SKU: sku, Qty: record.Quantity(1 + r.Intn(3))})
	}
	return b
}

// compare holds what the stage said against the model, and puts its commands on
// their way.
func (w *world) compare() {
	var commands, told, dead []string
	for _, x := range w.task.Take() {
		if x.Log == stage.LogOrders {
			w.reminders = append(w.reminders, x.Entry)
			commands = append(commands, fmt.Sprintf("reminder %s #%d", x.Entry.Key, x.Entry.Body[0]))
			continue
		}
		c := &record.Command{}
		require.NoError(w.t, c.Decode(x.Entry.Body))
		w.commands[c.SKU] = append(w.commands[c.SKU], c)
		w.words[c.Verb.String()]++
		commands = append(commands, describeCommand(c))
	}
	for _, p := range w.task.Published {
		told = append(told, w.describe(p))
	}
	for _, d := range w.task.Dead {
		id, _, _ := strings.Cut(d.Message[strings.Index(d.Message, `"`)+1:], `"`)
		dead = append(dead, d.Reason+" "+id)
		w.deadCount[d.Reason]++
	}
	for _, at := range w.model.chosen {
		require.True(w.t, w.rows[at], at)
	}
	require.Equal(w.t, w.model.commands, commands)
	require.Equal(w.t, w.model.told, told)
	require.Equal(w.t, w.model.dead, dead)
	w.commandCount, w.toldCount = w.commandCount+len(commands), w.toldCount+len(told)
	w.task.Published, w.task.Dead = nil, nil
	w.model.commands, w.model.told, w.model.dead, w.model.chosen = nil, nil, nil, nil
}

func describeCommand(c *record.Command) string {
	s := fmt.Sprintf("%s %s %s #%d by %s", c.Verb, c.OrderKey, c.SKU, c.Attempt, c.Cause)
	switch c.Verb {
	case record.VerbReserve:
		return s + fmt.Sprintf(" x%d allocate=%v whole=%v wait=%v fact=%v", c.Qty, c.Allocate, c.Whole, c.Wait, c.Fact)
	case record.VerbConfirm, record.VerbRelease:
		return s
	case record.VerbReduce:
		s += fmt.Sprint(" waiting ", c.Qty)
	}
	parts := map[string]int{}
	for _, p := range c.Parts {
		parts[string(p.Warehouse)] += int(p.Qty)
	}
	s += fmt.Sprint(" ", parts)
	if c.Verb == record.VerbReturn {
		s += fmt.Sprint(" unavailable=", c.Unavailable)
	}
	return s
}

// describe says what was published in the model's words, after it has checked
// that seq has no gaps and that the lines add up.
func (w *world) describe(p stagetest.Published) string {
	if p.Topic != "order.events" {
		var u record.StatusUpdate
		requireAsEncoded(w.t, p.Value, &u)
		acts := map[string]int{}
		for _, l := range u.Lines {
			acts[l.Line+" "+l.Action+" "+string(l.Warehouse)] += int(l.Qty)
		}
		require.Equal(w.t, "channel."+u.Channel+".status", p.Topic)
		return fmt.Sprintf("%s %d status %s (%s) %v", u.OrderKey, u.Seq, u.Status, u.Reason, acts)
	}
	var u record.OrderUpdate
	requireAsEncoded(w.t, p.Value, &u)
	w.types[u.Type]++
	w.words[u.Type+" "+u.Reason]++
	lines, sum := map[string]int{}, 0
	for _, l := range u.Lines {
		lines[strings.TrimSpace(l.Line+" "+string(l.SKU)+" "+l.State+" "+string(l.Warehouse))] += int(l.Qty)
		sum += int(l.Qty)
	}
	if u.Seq != 1 {
		require.Equal(w.t, w.seq[p.Key]+1, u.Seq, p.Key)
	}
	w.seq[p.Key] = u.Seq
	require.Equal(w.t, w.now, u.At)
	if o := w.model.orders[u.OrderKey]; o != nil {
		require.Len(w.t, o.units, sum)
	}
	return fmt.Sprintf("%s %d %s %s (%s) refund=%v by %s %v", u.OrderKey, u.Seq, u.Type, u.Status, u.Reason, u.Refund, u.Cause, lines)
}

// finish ends all orders: everything is cancelled or shipped, inventory comes
// to rest, and time passes until the stage has forgotten everything.
func (w *world) finish() {
	rest := func() {
		for busy := true; busy; {
			busy = false
			for _, sku := range worldSKUs {
				for len(w.commands[sku]) > 0 || len(w.decisions[sku]) > 0 {
					busy = true
					w.model.due(w.now)
					if q := w.commands[sku]; len(q) > 0 {
						w.commands[sku] = q[1:]
						w.send(w.stock.command(q[0]))
					} else {
						q := w.decisions[sku]
						w.decisions[sku] = q[1:]
						w.deliver(record.Entry{Kind: record.KindDecision, Key: []byte(q[0].OrderKey), Body: record.AppendDecision(nil, q[0])})
						w.model.decision(q[0])
					}
					w.compare()
				}
			}
		}
	}
	rest()
	for key := range w.model.orders {
		e := &record.OrderEvent{EventID: "end", Type: record.OrderCancelled, OrderKey: key, OccurredAt: w.now}
		e.ContentHash = contentHash(e)
		w.take(sentEvent{e, "holdfast.channel.callcentre.orders"})
		w.compare()
	}
	rest()
	require.Empty(w.t, w.stock.claim, "claims that nobody ends")
	for sku, n := range w.received {
		left := w.stock.out[sku] + w.stock.kept[sku]
		for _, free := range w.stock.free[sku] {
			left += free
		}
		require.Equal(w.t, n, left, sku)
	}
	for range 3 {
		w.now += 1_000_000
		w.model.due(w.now)
		w.remind()
		w.compare()
	}
	for k := range w.task.State {
		require.Contains(w.t, []byte{keyWarehouse, keyWarehouseCount, keyParcels}, k[0], "state left behind: %s", w.task)
	}
}
