package closing

import (
	"math/rand/v2"
	"strconv"

	"holdfast/topology"
	"holdfast/topology/record"
)

// load writes log.inventory as the stages before it would. It is made as it is
// consumed, so that its size doesn't matter.
type load struct {
	cfg    *Config
	log    *log
	slots  *topology.SlotTable
	random *rand.Rand
	zipf   *rand.Zipf

	commands  int // sent so far
	stocked   int // SKUs
	reserved  int
	open      []closing // reserved, to be closed in this order, more or less
	envelopes []record.EnvelopeBuilder
	body      []byte

	shipped, released int64
}

// closing is the end that an order will have.
type closing struct {
	due       int // number of the command
	verb      record.Verb
	order     int
	sku       int
	qty       record.Quantity
	warehouse record.WarehouseID
}

// Orders of each end are mixed among this many that are due at about the same
// time.
const closingsMixed = 1000

// Each SKU lies in two warehouses and has enough for any demand: what is refused
// leaves no state.
const unitsPerSKU = 100_000_000

func newLoad(c *Config, l *log, slots *topology.SlotTable) *load {
	random := rand.New(rand.NewPCG(c.Seed, 0))
	return &load{
		cfg: c, log: l, slots: slots, random: random,
		zipf:      rand.NewZipf(random, c.Zipf, 1, uint64(c.SKUs-1)),
		envelopes: make([]record.EnvelopeBuilder, c.Partitions),
	}
}

// done tells that everything was written.
func (l *load) done() bool {
	return l.stocked == l.cfg.SKUs && l.reserved == l.cfg.Reservations && len(l.open) == 0
}

// write appends the commands of a poll, one record for each partition.
func (l *load) write() {
	for range l.cfg.LinesPerPoll {
		switch {
		case l.stocked < l.cfg.SKUs:
			l.stock()
		case len(l.open) > 0 && (l.open[0].due <= l.commands || l.reserved == l.cfg.Reservations):
			l.close()
		case l.reserved < l.cfg.Reservations:
			l.reserve()
		}
	}
	for p := range l.envelopes {
		if e := &l.envelopes[p]; e.Len() > 0 {
			l.log.of(topology.LogInventory, p).append(entry{at: l.log.now, value: e.Close()})
		}
	}
}

func (l *load) stock() {
	sku := skuName(l.stocked)
	for _, warehouse := range warehouses() {
		l.body = record.AppendStockCommand(l.body[:0], &record.StockCommand{
			Verb: record.VerbReceive, EventID: "receipt-" + strconv.Itoa(l.stocked), SKU: sku, Warehouse: warehouse, Qty: unitsPerSKU,
		})
		l.add(record.KindStock, sku)
	}
	l.stocked++
}

func (l *load) reserve() {
	near, far := record.WarehouseID("HCM"), record.WarehouseID("HAN")
	if l.random.IntN(2) == 0 {
		near, far = far, near
	}
	c := closing{
		due: l.commands + l.cfg.CloseAfter, order: l.reserved, sku: int(l.zipf.Uint64()),
		qty: record.Quantity(1 + l.random.IntN(4)), warehouse: near,
	}
	l.send(&record.Command{
		Verb: record.VerbReserve, OrderKey: orderKey(c.order), SKU: skuName(c.sku), Attempt: 1, Cause: "created-" + strconv.Itoa(c.order),
		Qty: c.qty, Allocate: true, Whole: true,
		Ranked: []record.Ranked{{Warehouse: near, Rank: 0}, {Warehouse: far, Rank: 1}},
	})
	l.reserved++
	switch end := l.random.IntN(100); {
	case end < l.cfg.ShipPercent:
		c.verb = record.VerbShip
	case end < l.cfg.ShipPercent+l.cfg.ReleasePercent:
		c.verb = record.VerbRelease
	default:
		return
	}
	l.open = append(l.open, c)
}

// close ends one of the orders that are due next.
func (l *load) close() {
	other := l.random.IntN(min(len(l.open), closingsMixed))
	l.open[0].due, l.open[other].due = l.open[other].due, l.open[0].due
	l.open[0], l.open[other] = l.open[other], l.open[0]
	c := l.open[0]
	l.open = l.open[1:]
	command := record.Command{Verb: c.verb, OrderKey: orderKey(c.order), SKU: skuName(c.sku), Attempt: 1}
	if c.verb == record.VerbShip {
		command.Cause = "shipped-" + strconv.Itoa(c.order)
		command.Parts = []record.WarehouseQty{{Warehouse: c.warehouse, Qty: c.qty}}
		l.shipped++
	} else {
		command.Cause = "cancelled-" + strconv.Itoa(c.order)
		l.released++
	}
	l.send(&command)
}

func (l *load) send(c *record.Command) {
	l.body = record.AppendCommand(l.body[:0], c)
	l.add(record.KindCommand, c.SKU)
}

// add puts the body into the envelope of the SKU's partition.
func (l *load) add(kind record.Kind, sku record.SKU) {
	key := []byte(sku)
	p := l.slots.Partition(key)
	l.envelopes[p].Add(kind, key, record.Origin{Topic: "load", Partition: record.Partition(p), Offset: record.Offset(l.commands)}, l.body)
	l.commands++
}

func warehouses() []record.WarehouseID { return []record.WarehouseID{"HAN", "HCM"} }

func skuName(i int) record.SKU { return record.SKU("SKU-" + strconv.Itoa(1_000_000+i)) }

func orderKey(i int) record.OrderKey {
	return record.MakeOrderKey("web", "main", strconv.Itoa(1_000_000_000+i))
}
