package order

import "holdfast/topology/record"

// The outcomes that are counted: an order event told, by its type.
const (
	outcomeAccepted = iota
	outcomeRejected
	outcomeConfirmed
	outcomeExpired
	outcomeRevived
	outcomeCancelled
	outcomeFilled
	outcomePicking
	outcomePacked
	outcomeShipped
	outcomeDelivered
	outcomeCompleted
	outcomeReturned
	outcomeRefused
)

// Outcomes returns the names of what the stage counts with Tx.Count, in the
// order of their numbers: the decision and its outcome, in two words.
func Outcomes() []string {
	return []string{"event accepted", "event rejected", "event confirmed", "event expired", "event revived", "event cancelled", "event filled",
		"event picking", "event packed", "event shipped", "event delivered", "event completed", "event returned", "event refused"}
}

// outcomeOf is the number of an order event's type.
func outcomeOf(typ string) int {
	switch typ {
	case record.UpdateAccepted:
		return outcomeAccepted
	case record.UpdateRejected:
		return outcomeRejected
	case record.UpdateConfirmed:
		return outcomeConfirmed
	case record.UpdateExpired:
		return outcomeExpired
	case record.UpdateRevived:
		return outcomeRevived
	case record.UpdateCancelled:
		return outcomeCancelled
	case record.UpdateFilled:
		return outcomeFilled
	case record.UpdatePicking:
		return outcomePicking
	case record.UpdatePacked:
		return outcomePacked
	case record.UpdateShipped:
		return outcomeShipped
	case record.UpdateDelivered:
		return outcomeDelivered
	case record.UpdateCompleted:
		return outcomeCompleted
	case record.UpdateReturned:
		return outcomeReturned
	case record.UpdateRefused:
		return outcomeRefused
	}
	panic("BUG: nobody counts " + typ)
}
