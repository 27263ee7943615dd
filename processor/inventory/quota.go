package inventory

import "holdfast/topology/record"

// Quota fences units off for one channel, wherever they are, until it ends.
//
// Invariant: 0 <= Left <= Total.
type Quota struct {
	Channel string
	// Number tells a quota from those before it: what a hold took out of an
	// earlier one isn't given back to this one.
	Number      uint64
	Total, Left record.Quantity
	Until       record.Millis // ends at this time of the log
}
