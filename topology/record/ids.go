package record

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// SKU is the id of what is sold and counted, as the channels spell it.
type SKU string

// OrderKey is channel/shop/order_id. It is cut at its first two slashes, so an
// order id may hold slashes.
type OrderKey string

// MakeOrderKey joins the three parts.
func MakeOrderKey(channel, shop, orderID string) OrderKey {
	return OrderKey(channel + "/" + shop + "/" + orderID)
}

// Cut returns the three parts; ok is false when there aren't three.
func (k OrderKey) Cut() (channel, shop, orderID string, ok bool) {
	channel, rest, ok1 := strings.Cut(string(k), "/")
	shop, orderID, ok2 := strings.Cut(rest, "/")
	return channel, shop, orderID, ok1 && ok2
}

// WarehouseID is the id of a place that holds stock: a warehouse, a shop, a 3PL.
type WarehouseID string

// Quantity counts units.
type Quantity int64

// Limits of what is taken from outside.
const (
	ValueBytesMax   = 1 << 20
	LinesMax        = 1000
	LineQtyMax      = 1_000_000
	OnHandMax       = 1_000_000_000_000
	HeadersMax      = 64
	IDBytesMax      = 128
	HoldSecondsMax  = 604_800
	HoldSecondsUsed = 900 // where an unpaid order names none
)

// Partition is the number of a partition of a topic.
type Partition int32

// Offset is the place of a record in a partition.
type Offset int64

// Millis is a point in time, in milliseconds since 1970 UTC. Zero means none.
type Millis int64

// Time converts to the standard library's time, in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// String formats as RFC 3339 with milliseconds, in UTC; none is "".
func (m Millis) String() string {
	if m == 0 {
		return ""
	}
	return m.Time().Format("2006-01-02T15:04:05.000Z07:00")
}

// MarshalText formats as String does.
func (m Millis) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// ErrTime means that a text isn't a time of RFC 3339.
var ErrTime = errors.New("isn't RFC 3339")

// UnmarshalText reads RFC 3339; the empty text is none. It fails with ErrTime.
func (m *Millis) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*m = 0
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return fmt.Errorf("time %.40q %w", b, ErrTime)
	}
	*m = Millis(t.UnixMilli())
	return nil
}

// Origin is the public record that an internal entry came from.
type Origin struct {
	Topic     string
	Partition Partition
	Offset    Offset
}

// String formats as topic/partition@offset.
func (o Origin) String() string { return fmt.Sprintf("%s/%d@%d", o.Topic, o.Partition, o.Offset) }
