// Package shopify reads the order webhooks of Shopify (orders/create, paid,
// cancelled, updated, fulfilled, partially_fulfilled, …): each carries the whole
// order, so each is a snapshot, whatever its topic. The topic header is a hint
// only: what the body says, counts.
//
//	body                                               state
//	cancelled_at is set                                cancelled; by the buyer if the reason is customer
//	financial_status paid, authorized, partially_paid,
//	                 partially_refunded                paid
//	financial_status pending                           paid, cash on delivery, if the gateway is that; else unpaid
//	financial_status refunded, voided, expired         recorded: asks for nothing
//	test: true                                         refused, test_order
//
// Units that a refund cancelled before they were fulfilled (restock_type cancel)
// are cancelled units of their line: a partial cancel. Every parcel in
// fulfillments that is done (status success) is a shipment of its lines with the
// parcel's id, whatever the order's state.
//
// What isn't read, because it says nothing certain about units:
//
//   - units that came back (a refund's restock_type return): money goes back
//     before the goods do, and not all goods can be sold again; the warehouse
//     tells what came in
//   - lines taken out by an edit of the order, or refunded with no_restock; and so
//     fulfillment_status, which is fulfilled when what is left of the lines is
//   - a parcel that is cancelled after it was done; how far a carrier is with it
//   - closed_at: shops archive orders as they like, so no order completes by it
//   - webhooks of other topics (refunds/create, fulfillments/create, …), which are
//     refused: the same change comes as orders/updated, and cancelled units are
//     absolute there, where adding them up twice can't happen
package shopify
