// Package shopee reads what Shopee's open platform (v2) says of orders.
//
//	get_order_detail  {"response":{"order_list":[…]}}, or one order ─┐
//	                                                                 ├─> record.ChannelBody
//	push, code 3      {"code":3,"shop_id":…,"data":{"ordersn":…}} ───┘
//
// An order's body is a snapshot: the whole order with its state at update_time.
// A push is a pointer: the state without the order, whose lines are always
// empty. Both may come in any order and more than once.
//
//	order_status                                  state
//	UNPAID                                        unpaid
//	PENDING, INVOICE_PENDING, READY_TO_SHIP,      paid (cash on delivery where cod)
//	PROCESSED, RETRY_SHIP
//	SHIPPED, TO_CONFIRM_RECEIVE                   shipped
//	COMPLETED                                     completed
//	IN_CANCEL, TO_RETURN                          recorded: asks for nothing yet
//	CANCELLED                                     cancelled, by cancel_by
//
// The units of an item that were cancelled so far (cancelled_qty) are a partial
// cancel, in every state. An order that isn't fulfilled by the seller takes none of our stock: it is
// recorded without units.
//
// What isn't read, because it says nothing certain about units:
//
//   - cancel_requested_qty, IN_CANCEL: the seller may still refuse; should it be
//     granted, the next state says so
//   - returned_qty, return_requested_qty, TO_RETURN: money goes back before the
//     goods do; the warehouse tells what came in
//   - TO_CONFIRM_RECEIVE is shipped, not delivered; COMPLETED completes the order
//   - packages: a parcel has no state that names its units as gone, so an order in
//     several parcels ships as a whole, or as the warehouse tells
//   - component_list: combos are the catalog's
package shopee
