package report

// total is one figure of Totals with the words for it.
type total struct {
	label string
	count int64
	// meaning is how a rise is to be taken when two runs are compared.
	meaning meaning
}

// meaning says what it means when a figure grows.
type meaning int

const (
	neutral meaning = iota // neither good nor bad
	worse
	better
)

// figures lists the totals in the order in which they are read.
func (t *Totals) figures() []total {
	return []total{
		{"orders sent", t.OrdersSent, neutral},
		{"records sent", t.RecordsSent, neutral},
		{"duplicates sent on purpose", t.Duplicates, neutral},
		{"broken records sent on purpose", t.Broken, neutral},
		{"accepted", t.Accepted, better},
		{"short", t.Short, worse},
		{"rejected", t.Rejected, worse},
		{"expired", t.Expired, worse},
		{"cancelled", t.Cancelled, neutral},
		{"shipped", t.Shipped, neutral},
		{"returned", t.Returned, neutral},
		{"dead letters", t.DeadLetters, worse},
		{"order events", t.OrderEvents, neutral},
		{"channel updates", t.ChannelUpdates, neutral},
		{"most of one SKU in a second", t.ChannelUpdatesBurst, neutral},
	}
}
