package intake

// What intake counts: every public record once, by what it was. An order that
// came with others in one body isn't counted by itself.
const (
	outcomeOrderEvent = iota
	outcomeStock
	outcomeFulfilment
	outcomeRow
	outcomeRefused
)

// Outcomes returns the names of what the stage counts, "decision outcome", by
// the number that it counts them under.
func Outcomes() []string {
	return []string{
		outcomeOrderEvent: "record order_event", outcomeStock: "record stock", outcomeFulfilment: "record fulfilment",
		outcomeRow: "record row", outcomeRefused: "record refused",
	}
}

// outcomeOf tells what a record of a topic is, once it is taken.
func outcomeOf(short string) int {
	switch {
	case short == "stock.feed":
		return outcomeStock
	case short == "fulfilment.feed":
		return outcomeFulfilment
	case tableOf(short) != nil:
		return outcomeRow
	}
	return outcomeOrderEvent
}
