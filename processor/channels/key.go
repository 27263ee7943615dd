package channels

import (
	"encoding/binary"

	"holdfast/topology/record"
)

// The key space of a task. Each kind of key has its own first byte.
const (
	prefixItem      = 'a'
	prefixWindow    = 'd'
	prefixWarehouse = 'W'
	prefixShop      = 'S'
	keyNames        = "n"
	keyQueue        = "q"
	keyPass         = "r"
)

func appendItemKey(b []byte, sku record.SKU) []byte { return append(append(b, prefixItem), sku...) }

func appendWindowKey(b []byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefixWindow), number)
}

func appendRowKey(b []byte, prefix byte, key string) []byte { return append(append(b, prefix), key...) }
