// Package intake is the first stage: it reads everything that comes from
// outside, checks it against form and limits, brings it into one normal form
// whatever channel it came from, and sends it to the log of the stage that
// decides it. It has no state and decides nothing about stock.
//
//	channel.<name>.orders ─ canonical JSON, or the channel's adapter ─┐
//	fulfilment.feed ──────────────────────────────────────────────────┼─> OrderEvent ───> log.orders
//	stock.feed ─────────────────────────────────────────────────────────> StockCommand ─> log.inventory
//	warehouses, channels ── every valid change ─────────────────────────> TableRow ─────> log.orders, log.availability
//	catalog ─────────────── every valid change ─────────────────────────> TableRow ─────> these and log.inventory
//	                                                                                      (every partition)
//	what can't be read ─────────────────────────────────────────────────> dlq, with reason and original bytes
//
// A record is taken whole or not at all: either all orders in it are sent on,
// or it is one dead letter and nothing of it has happened. What is in the dead
// letters can so be mended and sent again without asking which part of it went
// through.
package intake
