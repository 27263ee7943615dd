// Package record owns the form of everything on the wire: the public records,
// which are JSON for people and other systems, and the internal ones, which are
// msgpack and written by hand because they are on the hot path.
//
//	public JSON in            internal logs (msgpack)                 public JSON out
//	OrderInput       ─┐                                             ┌─ OrderUpdate   order.events
//	StockInput       ─┤   Envelope                                  ├─ StatusUpdate  channel.<name>.status
//	FulfilmentInput  ─┼─>  ├─ Entry{Kind, Key, Origin, Body} ──────>┼─ ChannelStock  channel.<name>.stock
//	Warehouse, Shop,  │    ├─ Entry …                               └─ StockUpdate   stock.events
//	CatalogItem      ─┘    └─ Entry …
//
// Body, by Kind:
//
//	log.orders        OrderEvent, Decision (of reserve and fill), TableRow, tick
//	log.inventory     Command (reserve, confirm, release, ship), StockCommand, tick
//	log.availability  Availability, Decision (the rest of the ledger), TableRow, tick
//
// Every internal form begins with a version. Decoders trust no length that they
// read (see package pack) and refuse what they don't know.
package record
