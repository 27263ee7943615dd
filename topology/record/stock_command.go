package record

import (
	"fmt"

	"holdfast/topology/record/pack"
)

// StockCommand is one record of stock.feed in its normal form.
type StockCommand struct {
	Verb        Verb // VerbCount, VerbReceive, VerbAdjust, VerbDamage, VerbPolicy
	EventID     string
	ContentHash uint64
	SKU         SKU
	Warehouse   WarehouseID // of a policy: whose safety; "" where it names none
	Qty         Quantity    // count: absolute; receive: above 0; adjust, damage: signed
	OccurredAt  Millis
	Reason      string
	Policy      Policy // VerbPolicy
}

// Policy is a change of who may sell how much of a SKU.
type Policy struct {
	// Channel is whose Buffer, Cap or Quota it is: "shopee" or "shopee/main", a
	// quota's without a shop. "" with a Buffer: the company's.
	Channel                    string
	Safety, Buffer, Cap, Quota Setting
	Until                      Millis // end of the quota
}

const stockCommandVersion = 2

// AppendStockCommand appends c's internal form.
func AppendStockCommand(b []byte, c *StockCommand) []byte {
	b = pack.AppendArray(b, 10)
	b = pack.AppendUint(b, stockCommandVersion)
	b = pack.AppendUint(b, uint64(c.Verb))
	b = pack.AppendString(b, c.EventID)
	b = pack.AppendUint(b, c.ContentHash)
	b = pack.AppendString(b, c.SKU)
	b = pack.AppendString(b, c.Warehouse)
	b = pack.AppendInt(b, int64(c.Qty))
	b = pack.AppendInt(b, int64(c.OccurredAt))
	b = pack.AppendString(b, c.Reason)
	if c.Verb != VerbPolicy {
		return pack.AppendNil(b)
	}
	p := &c.Policy
	b = pack.AppendString(pack.AppendArray(b, 6), p.Channel)
	for _, s := range [...]Setting{p.Safety, p.Buffer, p.Cap, p.Quota} {
		b = pack.AppendInt(b, int64(s))
	}
	return pack.AppendInt(b, int64(p.Until))
}

// Decode reads what AppendStockCommand wrote. The strings are views of body.
func (c *StockCommand) Decode(body []byte) error {
	r := pack.NewReader(body)
	r.Form("stock command", stockCommandVersion, 10, 10)
	c.Verb = readVerb(&r)
	c.EventID = r.View()
	c.ContentHash = r.Uint()
	c.SKU = SKU(r.View())
	c.Warehouse = WarehouseID(r.View())
	c.Qty = Quantity(r.Int())
	c.OccurredAt = Millis(r.Int())
	c.Reason = r.View()
	c.Policy = Policy{}
	if !r.Nil() {
		r.ArrayOf(6)
		p := &c.Policy
		p.Channel = r.View()
		for _, s := range [...]*Setting{&p.Safety, &p.Buffer, &p.Cap, &p.Quota} {
			if *s = Setting(r.Int()); *s < SettingRemove {
				r.Fail(pack.ErrForm)
			}
		}
		p.Until = Millis(r.Int())
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("stock command: %w", err)
	}
	return nil
}
