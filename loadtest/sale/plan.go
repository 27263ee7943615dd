package sale

import (
	"time"

	"holdfast/topology/record"
)

const second = time.Second

// planOrder plans the messages of an order's life.
func (s *Sale) planOrder(o *order) {
	rnd := s.rnd
	state := "READY_TO_SHIP"
	if o.payment == record.PaymentUnpaid {
		state = "UNPAID"
	}
	sent := o.ordered
	late := rnd.Float64() < s.cfg.Late
	if late {
		sent += between(rnd, 300*time.Millisecond, second)
		s.planEarly(o, state)
	}
	s.plan(due{at: sent, happened: o.ordered, what: created, state: state, o: o})
	if late && o.payment != record.PaymentUnpaid {
		return // its cancellation or push is planned, and that is all
	}
	end, ok := s.planPayment(o, late)
	if !ok {
		return
	}
	at := end + between(rnd, second, 3*second)
	if o.format == canonical && o.lines[0].qty > 1 && s.chance(s.life.inPart) {
		s.plan(due{at: at - between(rnd, 0, second), happened: at - second, what: lessened, o: o})
	}
	switch {
	case s.chance(s.life.cancelled):
		s.planCancel(o, at)
		if rnd.IntN(50) == 0 { // it was on the lorry already
			at += between(rnd, 100*time.Millisecond, second)
			s.counts.ShippedAfterCancel++
			s.plan(due{at: at, happened: at, what: shipped, o: o})
		}
	case s.chance(s.life.shippedOf(o)):
		s.planShipment(o, at)
	}
}

// planShipment plans the way of a parcel out of the door, and of some to the
// buyer and back.
func (s *Sale) planShipment(o *order, at time.Duration) {
	rnd := s.rnd
	step := func(what what) {
		s.plan(due{at: at, happened: at, what: what, o: o})
		at += between(rnd, 200*time.Millisecond, second)
	}
	if o.format == shopee && rnd.IntN(2) == 0 {
		s.plan(due{at: at, happened: at, what: pushed, state: "SHIPPED", o: o})
		return
	}
	if rnd.IntN(3) == 0 {
		step(picked)
		step(packed)
	}
	step(shipped)
	if s.odds(2, 1-s.life.delivered) {
		return
	}
	step(delivered)
	if s.odds(10, s.life.returned) {
		at += second
		s.counts.Returned++
		step(returned)
	}
}

// planEarly plans what overtakes a late order.
func (s *Sale) planEarly(o *order, state string) {
	soon := o.ordered + between(s.rnd, 50*time.Millisecond, 250*time.Millisecond)
	switch {
	case o.payment == record.PaymentUnpaid:
		s.counts.OutOfOrder++
		s.plan(due{at: soon, happened: soon, what: paid, state: "READY_TO_SHIP", o: o})
	case o.format == shopee:
		s.counts.OutOfOrder++
		s.plan(due{at: soon, happened: soon, what: pushed, state: state, o: o})
	case s.rnd.IntN(2) == 0:
		s.counts.OutOfOrder++
		s.planCancel(o, soon)
	}
}

// planPayment returns when the order can be shipped; ok is false when it never
// can.
func (s *Sale) planPayment(o *order, paidEarly bool) (end time.Duration, ok bool) {
	rnd := s.rnd
	if o.payment != record.PaymentUnpaid {
		return o.ordered, true
	}
	if paidEarly {
		return o.ordered + second, true
	}
	at := o.ordered + between(rnd, 300*time.Millisecond, 2*second)
	if s.cfg.Shape != nil {
		return s.planShapedPayment(o, at)
	}
	switch chance := rnd.IntN(100); {
	case chance < 80 || o.hold == 0 && chance < 92:
	case o.hold == 0:
		s.planCancel(o, at)
		return 0, false
	case chance < 88:
		at = o.ordered + time.Duration(o.hold)*second + between(rnd, 300*time.Millisecond, 1500*time.Millisecond)
		s.counts.PaidLate++
	default:
		s.counts.NeverPaid++
		return 0, false
	}
	s.plan(due{at: at, happened: at, what: paid, state: "READY_TO_SHIP", o: o})
	return at, true
}

// planShapedPayment is planPayment with the shares of a Shape.
func (s *Sale) planShapedPayment(o *order, at time.Duration) (end time.Duration, ok bool) {
	h := s.cfg.Shape
	switch chance := s.rnd.Float64(); {
	case chance < h.NeverPaid && o.hold == 0:
		s.planCancel(o, at)
		return 0, false
	case chance < h.NeverPaid:
		s.counts.NeverPaid++
		return 0, false
	case chance < h.NeverPaid+h.PaidLate && o.hold > 0:
		at = o.ordered + time.Duration(o.hold)*second + between(s.rnd, 300*time.Millisecond, 1500*time.Millisecond)
		s.counts.PaidLate++
	}
	s.plan(due{at: at, happened: at, what: paid, state: "READY_TO_SHIP", o: o})
	return at, true
}

func (s *Sale) planCancel(o *order, at time.Duration) {
	s.plan(due{at: at, happened: at, what: cancelled, state: "CANCELLED", o: o})
}

// planStock plans what happens to the stock while the sale goes on: half of the
// hot SKUs get a little more, and some counts of others are corrected.
func (s *Sale) planStock() {
	for rank := 0; s.goods.hot(rank); rank += 2 {
		at := time.Duration((0.5 + 0.2*s.rnd.Float64()) * float64(s.Duration()))
		s.plan(due{at: at, what: restocked, number: rank})
	}
	for range s.cfg.SKUs / 500 {
		at := time.Duration(s.rnd.Float64() * float64(s.Duration()))
		s.plan(due{at: at, what: adjusted, number: s.goods.tepid(s.rnd)})
		s.plan(due{at: at, what: damaged, number: s.goods.tepid(s.rnd)})
		s.plan(due{at: at, what: counted, number: s.goods.tepid(s.rnd)})
	}
	if n := len(s.warehouses) - 1; s.warehouses[n].store {
		s.plan(due{at: s.Duration() / 4, what: closed, number: n})
		s.plan(due{at: s.Duration() / 2, what: opened, number: n})
	}
}
