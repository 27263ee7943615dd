// Package topology owns what exists on the wire: the topics with their
// settings, the stages with what they read and write, all names, and the
// routing of keys to partitions. It is one value, made from a Config, validated
// as a whole and printed by `holdfast topology`.
//
//	channel.<name>.orders ─┐
//	stock.feed ────────────┤             ┌──> order.events, channel.<name>.status
//	fulfilment.feed ───────┴─> [intake] ─> log.orders ─> [orders]
//	warehouses, catalog,          │            ^            │
//	channels (tables)             │            │            v
//	                              ├───────> log.inventory ─> [inventory]
//	                              │                             │
//	                              └───────> log.availability <──┘
//	                                           └─> [channels] ─> channel.<name>.stock, stock.events
//
// Topics are written here without the application's prefix ("short" names);
// Topology.Name adds it. Every stage but intake reads exactly one internal log:
// that gives every key one writer and one order.
package topology
