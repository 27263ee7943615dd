package sale

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"holdfast/topology/record"
)

// Message is a record to send. It belongs to the caller; its slices are shared
// with the duplicate, if there is one, and must not be changed.
type Message struct {
	Topic    string // without the application's prefix
	Key      []byte
	Value    []byte
	Headers  []Header
	AtOffset time.Duration   // after the sale's start: when it is meant to be sent
	OrderKey record.OrderKey // "" where it isn't of one order
	First    bool            // the first sending of the message that creates the order
	Again    bool            // sent before, byte for byte
	Broken   bool            // nobody can read it, on purpose
}

// Header is a record header.
type Header struct {
	Key   string
	Value []byte
}

// Counts is what was handed out so far.
type Counts struct {
	Messages  int `json:"messages"`
	Orders    int `json:"orders"` // distinct, created
	Lines     int `json:"lines"`
	Units     int `json:"units"`
	Own       int `json:"own_format"` // orders in Shopee's and Shopify's own formats
	Paid      int `json:"paid"`
	PaidLate  int `json:"paid_late"`  // after the hold has run out
	NeverPaid int `json:"never_paid"` // left to expire
	Cancelled int `json:"cancelled"`
	Lessened  int `json:"cancelled_in_part"`
	Shipped   int `json:"shipped"`
	Delivered int `json:"delivered"`
	Returned  int `json:"returned"`
	// ShippedAfterCancel counts parcels that left although the order was cancelled.
	ShippedAfterCancel int `json:"shipped_after_cancel"`

	Combos     int `json:"combos"`       // lines
	Backorders int `json:"backorders"`   // orders that are willing to wait
	OutOfOrder int `json:"out_of_order"` // orders with an event before its time
	Duplicates int `json:"duplicates"`
	Broken     int `json:"broken"`
	Stock      int `json:"stock"` // stock records during the sale
}

// Sale hands out its messages in the order in which they are meant to be sent.
// It isn't safe for use by several goroutines.
type Sale struct {
	cfg        Config
	rnd        *rand.Rand
	cities     []city
	warehouses []warehouse
	channels   []channel
	goods      *goods
	life       life

	admitted int // orders drawn
	broken   int // broken records planned
	due      dueHeap
	planned  uint64
	counts   Counts
}

// New returns a sale; the error is that of Config.Validate.
func New(cfg Config) (*Sale, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Sale{cfg: cfg, rnd: rand.New(rand.NewPCG(cfg.Seed, 0x1111)), cities: cities(), channels: channels(), life: lifeOf(cfg.Shape)}
	s.warehouses = warehousesOf(s.cities, cfg.Warehouses, cfg.Orders)
	if h := cfg.Shape; h != nil {
		s.cities, s.channels = h.cities(), h.channels()
		for i := range s.warehouses {
			s.warehouses[i].row.CapacityPerHour = nil
			if h.Capacity > 0 {
				s.warehouses[i].row.CapacityPerHour = &h.Capacity
			}
		}
	}
	s.goods = newGoods(&cfg, s.warehouses, s.rnd)
	if cfg.Shape == nil || cfg.Shape.StockMoves {
		s.planStock()
	}
	return s, nil
}

// Duration is how long orders come in, at the rate.
func (s *Sale) Duration() time.Duration {
	if s.cfg.Profile != nil {
		return s.cfg.Profile.Duration()
	}
	return s.orderAt(s.cfg.Orders)
}

// Counts returns what was handed out by Next so far.
func (s *Sale) Counts() Counts { return s.counts }

// Next returns the next message; ok is false when the sale is over.
func (s *Sale) Next() (m Message, ok bool) {
	for s.admitted < s.cfg.Orders && (len(s.due) == 0 || s.due[0].at >= s.orderAt(s.admitted)) {
		s.admit()
	}
	if len(s.due) == 0 {
		return Message{}, false
	}
	d := heap.Pop(&s.due).(due)
	if d.again != nil {
		m = *d.again
		m.Again = true
		s.counts.Duplicates++
	} else {
		m = s.write(&d)
		s.maybeRepeat(&d, m)
	}
	m.AtOffset, m.Broken = d.at, d.what == broken && d.again == nil
	s.counts.Messages++
	return m, true
}

// admit draws the next order and plans all its messages, and a broken record
// every so often.
func (s *Sale) admit() {
	n := s.admitted
	at := s.orderAt(n)
	s.admitted++
	s.planOrder(s.draw(n, at))
	if s.broken < s.cfg.Broken && n*s.cfg.Broken >= s.broken*s.cfg.Orders {
		s.plan(due{at: at, what: broken, number: s.broken})
		s.broken++
	}
}

func (s *Sale) orderAt(n int) time.Duration {
	if s.cfg.Profile != nil {
		return s.cfg.Profile.At(n)
	}
	return time.Duration(float64(n) / s.cfg.Rate * float64(time.Second))
}

// maybeRepeat plans a second, equal sending for a share of the messages.
func (s *Sale) maybeRepeat(d *due, m Message) {
	if d.what == broken || s.rnd.Float64() >= s.cfg.Duplicates {
		return
	}
	m.First = false
	s.plan(due{at: d.at + between(s.rnd, 0, 2*time.Second), again: &m})
}

// due is a message that is to be written when its time has come.
type due struct {
	at       time.Duration // to be sent
	happened time.Duration
	order    uint64 // of planning: settles equal times
	what     what
	state    string // of a marketplace's body
	o        *order
	number   int      // of a broken record; of a stock record its rank
	again    *Message // a duplicate
}

type what uint8

const (
	created what = iota
	paid
	cancelled
	shipped
	pushed   // a Shopee push: the state without the order
	lessened // a unit less
	picked
	packed
	delivered
	returned
	restocked
	adjusted
	damaged
	counted
	closed // a warehouse; opened again later
	opened
	broken
)

func (s *Sale) plan(d due) {
	if s.cfg.Stop > 0 && d.at > s.cfg.Stop {
		return
	}
	d.order = s.planned
	s.planned++
	heap.Push(&s.due, d)
}

// dueHeap is a container/heap by time of sending.
type dueHeap []due

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is part of heap.Interface.
func (h *dueHeap) Push(x any) { *h = append(*h, x.(due)) }

// Pop is part of heap.Interface.
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = due{}
	*h = old[:len(old)-1]
	return last
}

// Channels returns the names of the channels that the sale is on.
func (s *Sale) Channels() []string {
	names := make([]string, len(s.channels))
	for i := range s.channels {
		names[i] = s.channels[i].name
	}
	return names
}

// StartAt moves the sale: the times in what isn't handed out yet count from then.
func (s *Sale) StartAt(start record.Millis) { s.cfg.Start = start }
