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
//	PENDING, READY_TO_SHIP, PROCESSED, RETRY_SHIP paid (cash on delivery where cod)
//	SHIPPED, TO_CONFIRM_RECEIVE                   shipped
//	COMPLETED                                     completed
//	IN_CANCEL, TO_RETURN                          recorded: asks for nothing yet
//	CANCELLED                                     cancelled, by cancel_by
//
// An order that isn't fulfilled by the seller takes none of our stock: it is
// recorded without units.
package shopee
