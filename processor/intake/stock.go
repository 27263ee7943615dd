package intake

import (
	"github.com/cespare/xxhash/v2"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// takeStock takes a record of stock.feed.
func (s *Stage) takeStock(tx stage.Tx, r *stage.Record) *record.Refusal {
	in := record.StockInput{}
	if refusal := first(parse(r.Value, &in), checkForm(in.Holdfast, true)); refusal != nil {
		return refusal
	}
	c := record.StockCommand{
		EventID: in.EventID, SKU: in.SKU, Warehouse: in.Warehouse, OccurredAt: in.OccurredAt, Reason: cut(in.Reason, textBytesMax),
	}
	refusal := s.stockCommand(&in, &c)
	if refusal == nil {
		refusal = first(checkEventID(in.EventID), checkID("sku", in.SKU), checkTime("occurred_at", in.OccurredAt))
	}
	if refusal != nil {
		return refusal
	}
	s.sendStock(tx, r, &c)
	return nil
}

// stockCommand fills in what the type asks for.
func (s *Stage) stockCommand(in *record.StockInput, c *record.StockCommand) *record.Refusal {
	least := -record.Quantity(record.OnHandMax)
	switch in.Type {
	case "stock.count":
		c.Verb, least = record.VerbCount, 0
	case "stock.receive":
		c.Verb, least = record.VerbReceive, 1
	case "stock.adjust":
		c.Verb = record.VerbAdjust
	case "stock.damage":
		c.Verb = record.VerbDamage
	case "stock.policy":
		c.Verb = record.VerbPolicy
		return first(checkOptionalID("warehouse", in.Warehouse), s.policy(in, &c.Policy))
	case "stock.incoming", "stock.transfer":
		return refuse(record.RefuseNotSupported, "type: %s isn't built yet", in.Type)
	default:
		return refuse(record.RefuseUnknownType, "type: %.60q isn't a type of stock.feed", in.Type)
	}
	if refusal := checkID("warehouse", in.Warehouse); refusal != nil {
		return refusal
	}
	if in.Qty == nil {
		return refuse(record.RefuseQtyOutOfRange, "qty: missing")
	}
	if c.Qty = *in.Qty; c.Qty == 0 && least < 0 {
		return refuse(record.RefuseQtyOutOfRange, "qty: %s of 0 units changes nothing", in.Type)
	}
	return checkQty("qty", c.Qty, least, record.OnHandMax)
}

func (s *Stage) sendStock(tx stage.Tx, r *stage.Record, c *record.StockCommand) {
	id := c.EventID
	c.EventID = ""
	s.buf = record.AppendStockCommand(s.buf[:0], c)
	c.EventID, c.ContentHash = id, xxhash.Sum64(s.buf)
	if c.OccurredAt == 0 {
		c.OccurredAt = r.At // after the hash: sent twice it stays the same content
	}
	s.buf = record.AppendStockCommand(s.buf[:0], c)
	tx.Send(stage.LogInventory, record.KindStock, []byte(c.SKU), r.Origin(), s.buf)
}
