package record

// Adapter reads a channel's own payload. It gets a record's value and a lookup
// of its headers (names in any case; "" when absent), and returns the orders in
// it, or the reason why it can't. It must not panic on any input, keep value,
// or trust what it reads: intake checks ids, numbers and limits after it.
type Adapter func(value []byte, header func(name string) string) ([]ChannelBody, *Refusal)

// ChannelBody is what a channel's own payload says of one order.
type ChannelBody struct {
	// Event is in its normal form but for OrderKey, Fact and ContentHash, which
	// intake sets.
	Event OrderEvent
	// OrderID is the channel's id of the order.
	OrderID string
	// ShopID is the channel's own id of the shop ("" where the body names
	// none); the table channels says which shop that is.
	ShopID string
}

// Refusal says why something from outside can't be taken.
type Refusal struct {
	Reason  string // a word for machines, one of the Refuse constants
	Message string // for people: what and where
}

// Reasons for which a public record ends with the dead letters.
const (
	RefuseMalformed       = "malformed"
	RefuseUnknownFormat   = "unknown_format" // neither canonical nor the channel's own
	RefuseTooLarge        = "too_large"
	RefuseTooManyLines    = "too_many_lines"
	RefuseTooManyHeaders  = "too_many_headers"
	RefuseNoLines         = "no_lines"
	RefuseLineDuplicate   = "line_duplicate"
	RefuseQtyOutOfRange   = "qty_out_of_range"
	RefuseBadID           = "bad_id"
	RefuseBadTime         = "bad_time"
	RefuseBadMoney        = "bad_money"
	RefuseBadPayment      = "bad_payment"
	RefuseBadHold         = "bad_hold"
	RefuseBadAllow        = "bad_allow"
	RefuseBadBy           = "bad_by"
	RefuseBadPlace        = "bad_place"
	RefuseBadRestock      = "bad_restock"
	RefuseBadPolicy       = "bad_policy" // a policy that names too little, or what doesn't go together
	RefuseBadRow          = "bad_row"    // a row of a table breaks a rule
	RefuseKeyMismatch     = "key_mismatch"
	RefuseMissingEventID  = "missing_event_id"
	RefuseChannelMismatch = "channel_mismatch"
	RefuseChannelUnknown  = "channel_unknown"
	RefuseShopUnknown     = "shop_unknown"
	RefuseUnknownType     = "unknown_type"
	RefuseUnknownStatus   = "unknown_status"
	RefuseNotSupported    = "not_supported"
	RefuseTestOrder       = "test_order"
)
