package state

// habit is what the last transactions used of a piece of memory that is kept for the next ones. One that was much larger,
// as when all stock is counted before a sale, must not be paid for all night long.
type habit struct {
	most, transactions int
}

// habitTransactions are enough to have met what is usual: about a second under load.
const habitTransactions = 16

// ends notes what a transaction used of what is there. Now and then it says to shrink that to what was used at most, if
// less than half of it was.
func (h *habit) ends(used, have int) (keep int, shrink bool) {
	h.most = max(h.most, used)
	if h.transactions++; h.transactions < habitTransactions {
		return 0, false
	}
	keep = h.most
	*h = habit{}
	return keep, keep < have/2
}
