package inventory

import (
	"bytes"
	"encoding/binary"

	"holdfast/topology/record"
)

// The first byte of a state key. SKUs and warehouse ids hold no byte 0, so a 0
// behind them ends them and keys of one SKU stand together, also beside a SKU
// that begins with another one.
const (
	prefixItem    = 'i' // i sku                                  Item
	prefixHold    = 'h' // h sku 0 order key                      Hold
	prefixWaiter  = 'w' // w sku 0 class seq                      waiter
	prefixBehind  = 'b' // b sku                                  where serving goes on; b alone: how many there are
	prefixHistory = 'm' // m sku 0 warehouse                     history
	prefixEvent   = 'e' // e sku 0 warehouse 0 event id           hash and end of memory
	prefixForget  = 'x' // x end sku 0 warehouse 0 event id       a version: the index by end
	prefixCombo   = 'c' // c combo                                comboRow
	prefixCatalog = 'k' // k                                      the count of changes of combos
	prefixQuota   = 'q' // q until sku 0 channel                  a version: the quotas by end
	prefixEnds    = 'n' // n                                      the smallest end of a quota
	prefixPurge   = 'p' // p                                      the smallest end in the index
)

// place is where a hold stands among those that wait for a SKU: smaller classes
// are served first, and in a class smaller numbers, which is the log's order.
// The zero place is nobody's.
type place struct {
	class uint8
	seq   uint64
}

// Classes of those that wait.
const (
	classFact      = 1 // somebody has been told yes already
	classBackorder = 2
)

func appendItemKey(b []byte, sku record.SKU) []byte {
	return append(append(b, prefixItem), sku...)
}

func appendHoldKey(b []byte, sku record.SKU, order record.OrderKey) []byte {
	b = append(append(b, prefixHold), sku...)
	return append(append(b, 0), order...)
}

func appendWaiterKey(b []byte, sku record.SKU, at place) []byte {
	b = append(append(b, prefixWaiter), sku...)
	return binary.BigEndian.AppendUint64(append(b, 0, at.class), at.seq)
}

// appendWaiterEnd appends the first key behind all that wait for the SKU.
func appendWaiterEnd(b []byte, sku record.SKU) []byte {
	b = append(append(b, prefixWaiter), sku...)
	return append(b, 1)
}

// cutWaiterKey returns the place in line that a waiter's key ends with.
func cutWaiterKey(key []byte) place {
	at := len(key) - 8
	return place{class: key[at-1], seq: binary.BigEndian.Uint64(key[at:])}
}

// before tells that who stands there is served before who stands at o.
func (p place) before(o place) bool {
	return p.class < o.class || p.class == o.class && p.seq < o.seq
}

// pack makes one number of a place, the smaller the less far back: twice the
// number in its class, and one more for a backorder. Nobody's place is that of
// the first fact.
func (p place) pack() uint64 {
	if p.class == classBackorder {
		return p.seq<<1 | 1
	}
	return p.seq << 1
}

func unpackPlace(n uint64) place { return place{class: classFact + uint8(n&1), seq: n >> 1} }

func appendBehindKey(b []byte, sku record.SKU) []byte {
	return append(append(b, prefixBehind), sku...)
}

func appendHistoryKey(b []byte, sku record.SKU, w record.WarehouseID) []byte {
	b = append(append(b, prefixHistory), sku...)
	return append(append(b, 0), w...)
}

func appendEventKey(b []byte, c *record.StockCommand) []byte {
	return appendEventTail(append(b, prefixEvent), c)
}

func appendForgetKey(b []byte, end record.Millis, c *record.StockCommand) []byte {
	b = binary.BigEndian.AppendUint64(append(b, prefixForget), uint64(end))
	return appendEventTail(b, c)
}

func appendEventTail(b []byte, c *record.StockCommand) []byte {
	b = append(append(b, c.SKU...), 0)
	b = append(append(b, c.Warehouse...), 0)
	return append(b, c.EventID...)
}

// cutForgetKey returns the end of memory in an index key, and what follows.
func cutForgetKey(key []byte) (end record.Millis, tail []byte) {
	return record.Millis(binary.BigEndian.Uint64(key[1:9])), key[9:]
}

func appendComboKey(b []byte, combo record.SKU) []byte {
	return append(append(b, prefixCombo), combo...)
}

func appendQuotaKey(b []byte, until record.Millis, sku record.SKU, channel string) []byte {
	b = binary.BigEndian.AppendUint64(append(b, prefixQuota), uint64(until))
	return append(append(append(b, sku...), 0), channel...)
}

// cutQuotaKey returns the end of a quota in an index key, and its SKU.
func cutQuotaKey(key []byte) (until record.Millis, sku []byte) {
	sku, _, _ = bytes.Cut(key[9:], []byte{0})
	return record.Millis(binary.BigEndian.Uint64(key[1:9])), sku
}
