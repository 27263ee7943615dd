package channels

// What the stage counts: every update that a shop is told.
const (
	outcomeNormal = iota
	outcomeUrgent
)

// Outcomes returns the names of what the stage counts, "decision outcome", by
// the number that it counts them under.
func Outcomes() []string {
	return []string{outcomeNormal: "stock_update normal", outcomeUrgent: "stock_update urgent"}
}
