package shopee

import "holdfast/topology/record"

// stateOf maps order_status; ok is false for one that isn't known.
func stateOf(status string) (state record.ChannelState, ok bool) {
	switch status {
	case "UNPAID":
		return record.StateUnpaid, true
	case "PENDING", "INVOICE_PENDING", "READY_TO_SHIP", "PROCESSED", "RETRY_SHIP":
		return record.StatePaid, true
	case "SHIPPED", "TO_CONFIRM_RECEIVE":
		return record.StateShipped, true
	case "COMPLETED":
		return record.StateCompleted, true
	case "IN_CANCEL", "TO_RETURN":
		return record.StateRecorded, true
	case "CANCELLED":
		return record.StateCancelled, true
	}
	return record.StateNone, false
}

// cancelledBy maps cancel_by: buyer, seller, and what Shopee does itself (system, ops).
func cancelledBy(who string) string {
	switch who {
	case "buyer", "seller":
		return who
	}
	return "marketplace"
}
