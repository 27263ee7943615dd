package record

// OrderInput is a record of channel.<name>.orders in the canonical form.
type OrderInput struct {
	Holdfast   int              `json:"holdfast"`
	EventID    string           `json:"event_id"`
	Type       string           `json:"type"`
	Channel    string           `json:"channel,omitempty"`
	Shop       string           `json:"shop,omitempty"`
	OrderID    string           `json:"order_id"`
	OccurredAt Millis           `json:"occurred_at,omitzero"`
	By         string           `json:"by,omitempty"`
	Reason     string           `json:"reason,omitempty"`
	Lines      []LineQtyInput   `json:"lines,omitempty"`     // order.cancelled, return.received
	Warehouse  WarehouseID      `json:"warehouse,omitempty"` // return.received: where the units are now
	Order      *OrderInputOrder `json:"order,omitempty"`
}

// OrderInputOrder is the order of an OrderInput.
type OrderInputOrder struct {
	Payment     string           `json:"payment"`
	Currency    string           `json:"currency,omitempty"`
	TotalMinor  int64            `json:"total_minor,omitempty"`
	HoldSeconds *int64           `json:"hold_seconds,omitempty"`
	Allow       string           `json:"allow,omitempty"`
	Customer    *CustomerInput   `json:"customer,omitempty"`
	ShipTo      *ShipToInput     `json:"ship_to,omitempty"`
	PickupAt    *string          `json:"pickup_at,omitempty"`
	ShipBy      Millis           `json:"ship_by,omitzero"`
	Lines       []OrderLineInput `json:"lines"`
}

// CustomerInput is who bought.
type CustomerInput struct {
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
	Phone string `json:"phone,omitempty"`
	Email string `json:"email,omitempty"`
	VIP   bool   `json:"vip,omitempty"`
}

// ShipToInput is where the order goes.
type ShipToInput struct {
	Lat     *float64 `json:"lat,omitempty"`
	Lng     *float64 `json:"lng,omitempty"`
	Region  string   `json:"region,omitempty"`
	Address string   `json:"address,omitempty"`
}

// OrderLineInput is a line of an OrderInputOrder.
type OrderLineInput struct {
	Line           string   `json:"line,omitempty"`
	SKU            SKU      `json:"sku"`
	Qty            Quantity `json:"qty"`
	UnitPriceMinor int64    `json:"unit_price_minor,omitempty"`
}

// LineQtyInput names units of a line.
type LineQtyInput struct {
	Line    string   `json:"line"`
	Qty     Quantity `json:"qty"`
	Restock string   `json:"restock,omitempty"` // return.received: sellable, unavailable (if absent), none
}

// StockInput is a record of stock.feed.
type StockInput struct {
	Holdfast   int         `json:"holdfast"`
	EventID    string      `json:"event_id"`
	Type       string      `json:"type"`
	SKU        SKU         `json:"sku"`
	Warehouse  WarehouseID `json:"warehouse,omitempty"` // a policy of channels has none
	Qty        *Quantity   `json:"qty,omitempty"`       // a policy has none
	OccurredAt Millis      `json:"occurred_at,omitzero"`
	Reason     string      `json:"reason,omitempty"`
	// stock.policy: what is absent stays as it is, null removes it.
	Channel string       `json:"channel,omitempty"`
	Safety  SettingInput `json:"safety,omitzero"`
	Buffer  SettingInput `json:"buffer,omitzero"`
	Cap     SettingInput `json:"cap,omitzero"`
	Quota   SettingInput `json:"quota,omitzero"`
	Until   Millis       `json:"until,omitzero"`
}

// FulfilmentInput is a record of fulfilment.feed.
type FulfilmentInput struct {
	Holdfast   int            `json:"holdfast"`
	EventID    string         `json:"event_id"`
	Type       string         `json:"type"`
	OrderKey   OrderKey       `json:"order_key"`
	Warehouse  WarehouseID    `json:"warehouse,omitempty"`
	Lines      []LineQtyInput `json:"lines,omitempty"`
	Carrier    string         `json:"carrier,omitempty"`
	Tracking   string         `json:"tracking,omitempty"`
	OccurredAt Millis         `json:"occurred_at,omitzero"`
}

// Warehouse is a row of the table warehouses. A row with an id alone is
// complete; see Defaults.
type Warehouse struct {
	ID              WarehouseID `json:"id"`
	Name            string      `json:"name,omitempty"`
	Kind            string      `json:"kind,omitempty"` // warehouse, store, 3pl
	Lat             *float64    `json:"lat,omitempty"`
	Lng             *float64    `json:"lng,omitempty"`
	Priority        *int64      `json:"priority,omitempty"` // smaller goes first; 100
	CapacityPerHour *int64      `json:"capacity_per_hour,omitempty"`
	Cutoff          string      `json:"cutoff,omitempty"`
	Timezone        string      `json:"timezone,omitempty"`
	Serves          []string    `json:"serves,omitempty"` // channel names; absent: all
	COD             *bool       `json:"cod,omitempty"`    // true
	Pickup          bool        `json:"pickup,omitempty"`
	Active          *bool       `json:"active,omitempty"` // true
}

// PriorityUsed is the priority of a warehouse that names none.
const PriorityUsed = 100

// IsActive returns Active or its default.
func (w *Warehouse) IsActive() bool { return w.Active == nil || *w.Active }

// TakesCOD returns COD or its default.
func (w *Warehouse) TakesCOD() bool { return w.COD == nil || *w.COD }

// Rank returns Priority or its default.
func (w *Warehouse) Rank() int64 {
	if w.Priority == nil {
		return PriorityUsed
	}
	return *w.Priority
}

// ServesChannel tells whether orders of the channel may be served.
func (w *Warehouse) ServesChannel(channel string) bool {
	if w.Serves == nil {
		return true
	}
	for _, s := range w.Serves {
		if s == channel {
			return true
		}
	}
	return false
}

// Shop is a row of the table channels, keyed channel/shop.
type Shop struct {
	Channel string    `json:"channel"`
	Shop    string    `json:"shop"`
	Kind    string    `json:"kind,omitempty"` // marketplace, own
	IDs     []string  `json:"ids,omitempty"`  // the marketplace's own ids of the shop
	Buffer  Quantity  `json:"buffer,omitempty"`
	Cap     *Quantity `json:"cap,omitempty"`
	Low     *Quantity `json:"low,omitempty"` // 5
	Active  *bool     `json:"active,omitempty"`
}

// LowUsed is the low mark of a shop that names none.
const LowUsed Quantity = 5

// IsActive returns Active or its default.
func (s *Shop) IsActive() bool { return s.Active == nil || *s.Active }

// LowMark returns Low or its default.
func (s *Shop) LowMark() Quantity {
	if s.Low == nil {
		return LowUsed
	}
	return *s.Low
}

// CatalogItem is a row of the table catalog.
type CatalogItem struct {
	SKU        SKU         `json:"sku"`
	Components []Component `json:"components,omitempty"`
	Preorder   bool        `json:"preorder,omitempty"`
}

// Component is a part of a combo.
type Component struct {
	SKU SKU      `json:"sku"`
	Qty Quantity `json:"qty"`
}

// IsMarketplace tells the channels whose orders are facts: the buyer has been
// told yes by somebody else's counter.
func IsMarketplace(channel string) bool {
	switch channel {
	case "shopee", "lazada", "tiktok", "facebook":
		return true
	}
	return false
}

// OrdersAreFacts tells whether orders of the channel stand whatever the stock:
// a marketplace's, and those of a till, where the goods are gone already.
func OrdersAreFacts(channel string) bool { return IsMarketplace(channel) || channel == "pos" }
