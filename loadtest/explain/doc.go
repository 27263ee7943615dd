// Package explain tells from the committed logs what became of an order or a SKU.
//
// The story of an order: what came in and from where, every decision with the
// stock before and after, and what was said about it. First of all log.orders,
// which says what the order is about; then the rest.
//
//	log.orders        order events  ──> what came in, and the public record behind each
//	log.orders        decisions ────┐
//	log.availability  decisions ────┴─> each movement with the counters around it
//	dlq               refused       ──> what became of what wasn't taken
//	order.events      updates   ──────> what was said, in order
//
// As text it is told twice: so that it can be read out to who bought (tell.go,
// happened.go, words.go), and with every place in the logs (text.go). It says
// nothing that isn't in a log.
//
// The story of a SKU (sku.go): its movements by warehouse, with what the stock
// feed said of them, the newest of many. Where a SKU stands (stock.go): counters,
// what is kept back, what shops were told last, and who waits.
//
// Records are read in any interleaving of partitions, in the order of topics that
// each fold asks for, and only what belongs to the order or SKU is kept.
package explain
