package audit

import (
	"cmp"
	"fmt"

	"holdfast/topology/record"
)

// TopicPartition names a partition of a topic, without the application's prefix.
type TopicPartition struct {
	Topic     string
	Partition record.Partition
}

// String formats as topic/partition.
func (t TopicPartition) String() string { return fmt.Sprintf("%s/%d", t.Topic, t.Partition) }

// Header is a record header.
type Header struct {
	Key   string
	Value []byte
}

// Record is one committed record. Topic has no application prefix. Nothing of it
// is kept after Add.
type Record struct {
	Topic     string
	Partition record.Partition
	Offset    record.Offset
	At        record.Millis // append time
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Config says how to judge.
type Config struct {
	// AppID is the prefix of topic names inside records (origins, dead-letter
	// headers); "holdfast" when empty.
	AppID string
	// Settled says that nothing was in flight and all windows were closed when
	// the cut was taken: then what the channels were told last must be the truth.
	Settled bool
	// Channels are the configured channel names. A channel of them that no row
	// of the channels table names has one shop, main. Empty: only shops that
	// have a row, or that something was published to, are judged.
	Channels []string
	// MarketplaceHold is how long an unpaid order of a marketplace is held; 72
	// hours when zero.
	MarketplaceHold record.Millis
	// LateMax is how late an expiry may be; 1 s when zero.
	LateMax record.Millis
	// DueChunk is how many things that are due the orders stage does in one
	// transaction; 2000 when zero.
	DueChunk int
	// PerRuleMax bounds how many violations of one rule are listed; all are
	// counted. 10 when zero.
	PerRuleMax int
}

// Audit folds records into a Report. It isn't safe for use by several goroutines.
type Audit struct {
	cfg    Config
	prefix string
	cut    Cut
	trim   bool // an internal log begins above 0

	partitions map[TopicPartition]*partition
	taken      map[takenToo]taken
	lastTopic  *partition // of the last Add: runs of one partition are the rule

	skus, warehouses, orderKeys, events, shops names

	orders     []order // by number in orderKeys
	free       []*open
	unconsumed []pending // what crosses the cut
	ended      []endedOrder
	feed       map[feedKey]tally
	applied    map[appliedKey]record.Millis

	chains   []chain
	chainIDs map[skuWarehouse]uint32
	early    map[chainNumber]movement // not yet next in their chain

	warehouseRows map[string]versioned[record.Warehouse]
	shopRows      map[string]versioned[record.Shop]
	combos        catalog // of log.availability
	supplies      map[uint32]supply
	shown         map[shopSKU]shown
	counted       map[skuWarehouse]countersShown

	public  publicReader
	scratch struct {
		decision     record.Decision
		command      record.Command
		stock        record.StockCommand
		availability record.Availability
	}
	found     findings
	records   int64
	decisions int64
	movements int64
	inFlight  int64
	oversold  record.Quantity
	leaked    record.Quantity
	vouches   record.Millis
	report    *Report
}

// New returns an Audit of everything up to cut.
func New(cfg Config, cut Cut) *Audit {
	if cfg.AppID == "" {
		cfg.AppID = "holdfast"
	}
	cfg.PerRuleMax = cmp.Or(cfg.PerRuleMax, 10)
	cfg.MarketplaceHold = cmp.Or(cfg.MarketplaceHold, 72*60*60*1000)
	cfg.LateMax = cmp.Or(cfg.LateMax, 1000)
	cfg.DueChunk = cmp.Or(cfg.DueChunk, 2000)
	a := &Audit{
		cfg: cfg, prefix: cfg.AppID + ".", cut: cut,
		partitions: map[TopicPartition]*partition{}, taken: map[takenToo]taken{},
		skus: newNames(), warehouses: newNames(), orderKeys: newNames(), events: newNames(), shops: newNames(),
		orders: make([]order, 1),
		feed:   map[feedKey]tally{}, applied: map[appliedKey]record.Millis{},
		chainIDs: map[skuWarehouse]uint32{}, early: map[chainNumber]movement{},
		warehouseRows: map[string]versioned[record.Warehouse]{}, shopRows: map[string]versioned[record.Shop]{},
		supplies: map[uint32]supply{}, shown: map[shopSKU]shown{}, counted: map[skuWarehouse]countersShown{},
		found: findings{perRuleMax: cfg.PerRuleMax},
	}
	for tp := range cut.Ends {
		a.partition(tp.Topic, tp.Partition)
	}
	for tp := range cut.Starts {
		if p := a.partition(tp.Topic, tp.Partition); p.trimmed && p.role.isLog() {
			a.trim = true
		}
	}
	return a
}

// Add folds the next record of its partition. Topics that the audit doesn't read
// are skipped. The error is a record that can't be read at all, or one that
// comes before another of its partition.
func (a *Audit) Add(r Record) error {
	p := a.lastTopic
	if p == nil || p.Topic != r.Topic || p.Partition != r.Partition {
		p = a.partition(r.Topic, r.Partition)
		a.lastTopic = p
	}
	if p.bounded && r.Offset >= p.end || r.Offset < p.start {
		return nil
	}
	if r.Offset < p.next {
		return fmt.Errorf("reading %s: offset %d after %d", p.TopicPartition, r.Offset, p.next-1)
	}
	if p.records == 0 && p.trimmed && p.role.isLog() {
		a.vouches = max(a.vouches, r.At)
	}
	p.next, p.newest = r.Offset+1, r.At
	if p.role.isLog() && r.Offset >= p.committed {
		if p.unread++; p.unread == 1 {
			p.unreadSince = r.At
		}
	}
	p.records++
	a.records++
	if err := a.fold(p, &r); err != nil {
		return fmt.Errorf("reading %s@%d: %w", p.TopicPartition, r.Offset, err)
	}
	return nil
}

func (a *Audit) fold(p *partition, r *Record) error {
	switch p.role {
	case roleInput:
		p.addInput(r)
	case roleOrders, roleInventory, roleAvailability:
		at := place{p, r.Offset}
		if p.role == roleOrders {
			p.pass(r.At)
		}
		return record.Entries(r.Value, func(e record.Entry) error { return a.entry(at, r.At, e) })
	case roleOrderEvents:
		return a.orderUpdate(place{p, r.Offset}, r.At, r.Value)
	case roleStatus:
		return a.statusUpdate(place{p, r.Offset}, r.Value)
	case roleChannelStock:
		return a.channelStock(place{p, r.Offset}, r.Value)
	case roleStockEvents:
		return a.stockUpdate(place{p, r.Offset}, r.Value)
	case roleDead:
		a.deadLetter(r)
	}
	return nil
}

// entry folds one entry of an internal log.
func (a *Audit) entry(at place, appended record.Millis, e record.Entry) error {
	if e.Kind == record.KindTick {
		return nil
	}
	if at.p.role != roleAvailability && (e.Kind == record.KindOrderEvent || e.Kind == record.KindStock) {
		a.trace(at, &e)
	}
	switch e.Kind {
	case record.KindOrderEvent:
		return a.orderEvent(at, appended, e)
	case record.KindDecision:
		return a.decision(at, appended, e)
	case record.KindCommand:
		return a.command(at, appended, e)
	case record.KindStock:
		return a.stockCommand(at, appended, e)
	case record.KindAvailability:
		return a.availability(e)
	case record.KindCatalog:
		switch at.p.role {
		case roleOrders:
			return at.p.combos.add(e.Body)
		case roleAvailability:
			return a.combos.add(e.Body)
		}
	case record.KindWarehouse:
		if at.p.role == roleAvailability {
			return addRow(a.warehouseRows, e.Body)
		}
	case record.KindShop:
		if at.p.role == roleAvailability {
			return addRow(a.shopRows, e.Body)
		}
	}
	return nil
}
