package shopify

import (
	"strconv"

	"holdfast/topology/record"
)

// fulfillment is a parcel of the order, or of a part of it.
type fulfillment struct {
	ID        int64         `json:"id"`
	Status    string        `json:"status"`
	CreatedAt record.Millis `json:"created_at"`
	LineItems []struct {
		ID       int64           `json:"id"`
		Quantity record.Quantity `json:"quantity"`
	} `json:"line_items"`
}

// shipments returns one event for each parcel that is done. Every later webhook
// of the order shows the parcel again: its id makes that a repetition, and what
// may still change of it (tracking) is left out, or it would be another content
// under the same id.
func (o *order) shipments() []record.OrderEvent {
	inStock := map[int64]bool{}
	for i := range o.LineItems {
		inStock[o.LineItems[i].ID] = !o.LineItems[i].GiftCard
	}
	var events []record.OrderEvent
	for i := range o.Fulfillments {
		f := &o.Fulfillments[i]
		if f.Status != "success" || f.ID == 0 {
			continue // not gone yet, or not after all
		}
		e := record.OrderEvent{
			EventID: "shopify-fulfillment-" + strconv.FormatInt(f.ID, 10), Type: record.OrderShipped, OccurredAt: f.CreatedAt,
		}
		for _, l := range f.LineItems {
			if inStock[l.ID] && l.Quantity > 0 {
				e.Lines = addUnits(e.Lines, strconv.FormatInt(l.ID, 10), l.Quantity)
			}
		}
		if len(e.Lines) > 0 { // without any it would mean the whole order
			events = append(events, e)
		}
	}
	return events
}

func addUnits(lines []record.LineQty, line string, qty record.Quantity) []record.LineQty {
	for i := range lines {
		if lines[i].Line == line {
			// Intake refuses what is above the most; only the sum must not wrap.
			lines[i].Qty = min(lines[i].Qty, record.LineQtyMax) + min(qty, record.LineQtyMax)
			return lines
		}
	}
	return append(lines, record.LineQty{Line: line, Qty: qty})
}
