// Package shopify reads the order webhooks of Shopify (orders/create, paid,
// cancelled, updated, …): each carries the whole order, so each is a snapshot,
// whatever its topic. The topic header is a hint only: what the body says, counts.
//
//	body                                               state
//	cancelled_at is set                                cancelled; by the buyer if the reason is customer
//	financial_status paid, authorized, partially_paid,
//	                 partially_refunded                paid
//	financial_status pending                           paid, cash on delivery, if the gateway is that; else unpaid
//	financial_status refunded, voided, expired         recorded: asks for nothing
//	test: true                                         refused, test_order
//
// Units that a refund cancelled before they were fulfilled are cancelled units
// of their line; units that came back later are not.
package shopify
