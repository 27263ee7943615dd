// Package channels is the stage that tells every shop what it may sell, and
// everybody who asks how much stock there is. It reads log.availability, whose
// keys are SKUs, and publishes absolute, versioned values: who missed some is
// right again with the next.
//
//	log.availability           state of the task                            out
//	 availability ────┐     a sku       Item: counters by warehouse,  ┌─> channel.<name>.stock  per shop
//	 warehouse, shop ─┼───>             policies, components, what    ┤
//	 catalog ─────────┤                 each shop was told last       └─> stock.events          per warehouse
//	 tick ────────────┘     d number, q SKUs whose window is open
//	                        W id, S key rows of the tables
//	                        n           names by number, stamp of the tables
//	                        r           where the pass over all SKUs stands
//
// A change opens a window for its SKU; when the window is over, what differs
// from what was published last is published. So many changes make one update,
// and no change waits longer than a window. What fell to or near zero doesn't
// wait: the SKU is published in the transaction that saw it. Windows are state,
// written in the same transactions as everything else: a crash inside a window
// loses no update.
//
//	stage.go    Decide collects what there is of each SKU; Finish decides
//	touch.go    the last availability of a SKU and of its components
//	item.go     what is known and published of a SKU, and its form in state
//	policy.go   who may sell how much of it: buffers, caps, quotas
//	combo.go    its components, if it is a combo, and how many sets they make
//	windows.go  the queue of open windows
//	tables.go   warehouses and shops, and what follows from them: who sells from where
//	sellable.go the equation
//	publish.go  what differs, at once or when the window is over; decreases first
//	pass.go     after a change of a table: all SKUs, in chunks
//	json.go     the public records, without reflection
//
// What isn't obvious:
//
//   - Versions are this task's own: larger than the last one of the same shop
//     and SKU, and at least the log's time in milliseconds. A shop that was
//     dropped keeps its last version, so it can come back without going back.
//   - "Fell" is meant against what was published, not against what was known: a
//     channel only knows the former.
//   - Under the key of a combo there come its components' availabilities, each a
//     record of its own. The row of the catalog comes first: inventory sends them
//     because of the same row.
//   - A component's quotas count for its combos too: an order of sets takes units
//     that are fenced off as little as any other order does.
//   - Units on their way aren't known yet: incoming is 0 in stock.events.
//   - Within a transaction decreases and zeroes are published before increases,
//     over all its SKUs: units that move between shops are first taken, then given.
package channels
