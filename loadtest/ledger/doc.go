// Package ledger reads what has been committed: the public topics and internal
// logs up to a cut, for the audit and for explaining an order.
//
//	Capture   groups' stable offsets, then ends, effects before causes
//	Read      every committed record below the ends, partitions in any
//	          interleaving near to that of their times, each in order
package ledger
