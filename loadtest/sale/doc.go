// Package sale makes up an 11.11 sale as data: tables, stock and the events of
// six channels, the same for the same seed.
//
//	Setup: warehouses, channels, catalog, stock.feed (stock, then who may sell how much)
//
//	                 ┌ created ──────────────────────────────┐
//	orders, evenly ──┤ … paid 0.3-2 s later, late or never   │
//	at a rate        │ … cancelled, whole or in part         │   heap by
//	                 │ … picked, packed, shipped, delivered  ├── sending ──> Next: Message, Message, …
//	                 └ … returned                            │    time
//	stock: received, counted, adjusted, damaged; a shop      │
//	closes and opens again                                   │
//	exact duplicates, events out of order, broken records ───┘
//
// What is in it on purpose:
//
//   - The demand for SKUs follows a Zipf-Mandelbrot law; the hottest ones have
//     less stock than the expected demand, so they surely sell out.
//   - Shopee and Shopify send a share of their orders in their own formats, the
//     other channels in the canonical one.
//   - Some orders ask for the same SKU in two lines, some for combos, and some of
//     those that are requests are willing to wait.
//   - Hot SKUs have a quota for Shopee that ends in the middle of the sale; others
//     have safety stock and buffers.
//   - A few parcels leave although their order was cancelled.
//   - Payments come in time, after the hold has run out, or never; on a
//     marketplace an unpaid order is paid or cancelled.
//   - A payment, a cancellation or a marketplace's push can come before its
//     order.
//   - Broken records: every one ends with the dead letters.
//
// Times inside messages are Start plus the time in the sale, so a sale that is
// sent now should start now.
package sale
