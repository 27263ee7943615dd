package intake

import (
	"unicode/utf8"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// headerShop names the shop where the body's own id can't.
const headerShop = "holdfast-shop"

// takeBodies takes a channel's own payload: all orders in it, or none.
func (s *Stage) takeBodies(tx stage.Tx, r *stage.Record, channel string, adapter record.Adapter) *record.Refusal {
	if !utf8.Valid(r.Value) {
		return refuse(record.RefuseMalformed, "the value isn't UTF-8")
	}
	bodies, refusal := adapter(r.Value, r.Header)
	if refusal != nil {
		return refuse(refusal.Reason, "%s", refusal.Message)
	}
	if len(bodies) == 0 {
		return refuse(record.RefuseMalformed, "there is no order in it")
	}
	for i := range bodies {
		if refusal := s.settleBody(&bodies[i], r, channel); refusal != nil {
			return refuse(refusal.Reason, "order %.150q: %s", bodies[i].OrderID, refusal.Message)
		}
	}
	for i := range bodies {
		s.sendOrder(tx, r, &bodies[i].Event)
	}
	return nil
}

// settleBody names the order and completes its event. What a channel says in
// its own words is a fact: its buyer was told yes.
func (s *Stage) settleBody(b *record.ChannelBody, r *stage.Record, channel string) *record.Refusal {
	shop, refusal := s.shopOf(r, channel, b.ShopID)
	if refusal != nil {
		return refusal
	}
	if refusal := checkID("order id", b.OrderID); refusal != nil {
		return refusal
	}
	e := &b.Event
	e.OrderKey = record.MakeOrderKey(channel, shop, b.OrderID)
	e.Fact = true
	e.Text = cut(e.Text, textBytesMax)
	return s.settle(e, r)
}

// shopOf finds the shop of a channel's own payload: the header, else the table.
func (s *Stage) shopOf(r *stage.Record, channel, id string) (string, *record.Refusal) {
	if shop := r.Header(headerShop); shop != "" {
		return shop, checkShop(headerShop, shop)
	}
	var shops *Shops
	if s.config.Shops != nil {
		shops = s.config.Shops()
	}
	shop, ok := shops.find(channel, id)
	if !ok {
		return "", refuse(record.RefuseShopUnknown, "%s has several shops and none has the id %.60q", channel, id)
	}
	return shop, nil
}
