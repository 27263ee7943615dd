package intake

import (
	"strconv"

	"github.com/cespare/xxhash/v2"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// settle checks what every order event has to fulfil, whatever form it came in,
// and completes it: defaults, the content's hash, its time.
func (s *Stage) settle(e *record.OrderEvent, r *stage.Record) *record.Refusal {
	if refusal := checkEvent(e); refusal != nil {
		return refusal
	}
	if o := e.Order; o != nil {
		if o.Payment == record.PaymentUnpaid && o.HoldSeconds == 0 {
			o.HoldSeconds = record.HoldSecondsUsed
			if channel, _, _, _ := e.OrderKey.Cut(); e.Type == record.OrderSnapshot || record.IsMarketplace(channel) {
				o.HoldSeconds = s.config.HoldSecondsMarketplace
			}
		}
		if e.Fact && o.Allow == record.AllowAll {
			o.Allow = record.AllowPartial // the buyer has been told yes: what there is goes, the rest waits
		}
	}
	e.ContentHash = s.hashOrder(e)
	if e.OccurredAt == 0 {
		// After the hash: the same event sent twice stays the same content.
		e.OccurredAt = r.At
	}
	return nil
}

func checkEvent(e *record.OrderEvent) *record.Refusal {
	refusal := first(
		checkEventID(e.EventID),
		checkOptionalID("warehouse", e.Warehouse),
		checkOptionalID("carrier", e.Carrier),
		checkOptionalID("tracking", e.Tracking),
		checkTime("occurred_at", e.OccurredAt),
		checkLineQtys(e.Lines),
	)
	if refusal != nil {
		return refusal
	}
	switch e.By {
	case "", "buyer", "seller", "marketplace":
	default:
		return refuse(record.RefuseBadBy, "by: %.60q isn't buyer, seller or marketplace", e.By)
	}
	if e.Order != nil {
		return checkOrder(e)
	}
	return nil
}

func checkOrder(e *record.OrderEvent) *record.Refusal {
	o := e.Order
	refusal := first(
		checkOptionalID("order.customer.id", o.CustomerID),
		checkOptionalID("order.ship_to.region", o.Region),
		checkOptionalID("order.pickup_at", o.PickupAt),
		checkTime("order.ship_by", o.ShipBy),
		checkMoney(o),
	)
	if refusal != nil {
		return refusal
	}
	// What a marketplace only tells us about has no units here.
	if len(o.Lines) > 0 || e.State != record.StateRecorded {
		if refusal := checkLineCount(len(o.Lines)); refusal != nil {
			return refusal
		}
	}
	seen := make(map[string]bool, len(o.Lines))
	for i := range o.Lines {
		if refusal := checkLine(i, &o.Lines[i], seen); refusal != nil {
			return refusal
		}
	}
	return nil
}

func checkLine(i int, l *record.OrderLine, seen map[string]bool) *record.Refusal {
	at := "line " + strconv.Itoa(i+1)
	refusal := first(
		checkID(at+": id", l.Line),
		checkID(at+": sku", l.SKU),
		checkQty(at+": qty", l.Qty, 1, record.LineQtyMax),
		checkQty(at+": cancelled", l.Cancelled, 0, l.Qty),
	)
	switch {
	case refusal != nil:
		return refusal
	case l.UnitPriceMinor < 0:
		return refuse(record.RefuseBadMoney, "%s: unit price %d", at, l.UnitPriceMinor)
	case seen[l.Line]:
		return refuse(record.RefuseLineDuplicate, "%s: there are two lines %q", at, l.Line)
	}
	seen[l.Line] = true
	return nil
}

func checkLineCount(n int) *record.Refusal {
	if n == 0 {
		return refuse(record.RefuseNoLines, "the order has no lines")
	}
	if n > record.LinesMax {
		return refuse(record.RefuseTooManyLines, "%d lines, the most is %d", n, record.LinesMax)
	}
	return nil
}

// checkLineQtys checks units named by line; none named means all.
func checkLineQtys(lines []record.LineQty) *record.Refusal {
	if len(lines) > record.LinesMax {
		return refuse(record.RefuseTooManyLines, "%d lines, the most is %d", len(lines), record.LinesMax)
	}
	seen := make(map[string]bool, len(lines))
	for i, l := range lines {
		at := "line " + strconv.Itoa(i+1)
		if refusal := first(checkID(at+": id", l.Line), checkQty(at+": qty", l.Qty, 1, record.LineQtyMax)); refusal != nil {
			return refusal
		}
		if seen[l.Line] {
			return refuse(record.RefuseLineDuplicate, "%s: line %q is named twice", at, l.Line)
		}
		seen[l.Line] = true
	}
	return nil
}

// checkTime refuses what lies before 1970: it can't be a time of an order.
func checkTime(what string, at record.Millis) *record.Refusal {
	if at < 0 {
		return refuse(record.RefuseBadTime, "%s: before 1970", what)
	}
	return nil
}

func checkMoney(o *record.OrderBody) *record.Refusal {
	if o.TotalMinor < 0 {
		return refuse(record.RefuseBadMoney, "order.total_minor: %d", o.TotalMinor)
	}
	if _, ok := record.MinorDigits(o.Currency); !ok && o.Currency != "" {
		return refuse(record.RefuseBadMoney, "order.currency: %.20q isn't three capital letters", o.Currency)
	}
	return nil
}

// hashOrder returns the hash of the event's content: all of it but its id, so
// that the same content under another id is recognised too.
func (s *Stage) hashOrder(e *record.OrderEvent) uint64 {
	id := e.EventID
	e.EventID, e.ContentHash = "", 0
	s.buf = record.AppendOrderEvent(s.buf[:0], e)
	e.EventID = id
	return xxhash.Sum64(s.buf)
}

func (s *Stage) sendOrder(tx stage.Tx, r *stage.Record, e *record.OrderEvent) {
	s.buf = record.AppendOrderEvent(s.buf[:0], e)
	tx.Send(stage.LogOrders, record.KindOrderEvent, []byte(e.OrderKey), r.Origin(), s.buf)
}
