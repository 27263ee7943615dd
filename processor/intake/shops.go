package intake

import "holdfast/topology/record"

// Shops is a view of the table channels: which shop a marketplace means by its
// own id. It is made from the rows that there are and not changed after that,
// so it may be shared.
type Shops struct {
	byChannel map[string]*channelShops
}

type channelShops struct {
	only string // the channel's shop while it has just one
	n    int
	byID map[string]string
}

// NewShops returns the view of these rows.
func NewShops(rows []record.Shop) *Shops {
	s := &Shops{byChannel: map[string]*channelShops{}}
	for i := range rows {
		row := &rows[i]
		c := s.byChannel[row.Channel]
		if c == nil {
			c = &channelShops{byID: map[string]string{}}
			s.byChannel[row.Channel] = c
		}
		c.only = row.Shop
		c.n++
		for _, id := range row.IDs {
			c.byID[id] = row.Shop
		}
	}
	return s
}

// find returns the shop that the channel calls id. A channel with one shop
// means that one, whatever it says; where the table has none that is main.
func (s *Shops) find(channel, id string) (shop string, ok bool) {
	var c *channelShops
	if s != nil {
		c = s.byChannel[channel]
	}
	switch {
	case c == nil:
		return mainShop, true
	case c.n == 1:
		return c.only, true
	}
	shop, ok = c.byID[id]
	return shop, ok
}
