package inventory

import "holdfast/topology/record"

// adjust corrects what is on hand by a signed number of units. Below zero it
// changes nothing; it may leave less than is promised, as a count may.
func adjust(it *Item, c *record.StockCommand, d *record.Decision) {
	book(it, c, d)
}
