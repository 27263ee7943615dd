// Package explain tells the story of one order from the committed logs: what
// came in and from where, every decision with the stock before and after, and
// what was said about the order.
//
//	log.orders        order events  ──> what came in, and the public record behind each
//	dlq               refused       ──> … and what became of those that weren't taken
//	log.orders        decisions ────┐
//	log.availability  decisions ────┴─> each movement with the counters around it
//	order.events      updates   ──────> what was said, in order
//
// It reads records in any interleaving of partitions and keeps only those of its
// order. As a story that somebody reads out to a customer it says nothing that
// isn't in a log, and names the place of everything that it says.
package explain
