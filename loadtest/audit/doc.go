// Package audit proves after a sale, from the committed logs alone, that no unit
// was promised twice, lost or kept by nobody. It folds the logs with a second
// model of stock and orders that is deliberately simple: plain maps, one pass,
// no decision code shared with the stages. Of their code it uses only the
// codecs of package record.
//
//	channel.*.orders ─┐ input_lost          ┌──> order.events ── seq_gap, lines_dont_add_up
//	stock.feed ───────┼──────> log.orders ──┤         │
//	fulfilment.feed ──┘   ▲        │        └──> order_without_story
//	                      │        ▼                  │
//	                      │   log.inventory           ├── leaked: claims of the model against order.events
//	            decisions │        │ input_lost,      │
//	                      │        ▼ decided_twice    │
//	                      └── [movements] ────────────┘
//	                           one chain per SKU and warehouse, by number:
//	                           oversold, negative_on_hand, not_conserved, released_twice
//	                               │
//	                               ▼
//	        channel.*.stock, stock.events ── version_not_growing, channel_not_converged
//
//	log.orders (creates, payments, ticks) and order.events (order.expired) ──
//	        expired_early, expired_late, paid_in_time_but_expired
//
// # The cut
//
// A running system is never still, so the audit judges up to a cut. Its caller
// takes first the offsets that every stage's group has committed (stable ones),
// then the ends of the outputs, then the ends of the inputs. Two rules follow:
//
//   - a cause must have its effect only when its offset is below the committed
//     offset of the group that consumes it;
//   - an effect must always have its cause.
//
// What crosses the cut is counted as in flight and never judged. An order of
// which any record lies at or above a committed offset is in flight as a whole.
//
// # The beginning
//
// A log that no longer begins with its first record is opened in its middle:
// each chain of movements with the counters that its first movement shows, after
// the last hole that may be due to the trimming; who claimed what before isn't
// known. So an order that began before is judged only by what needs no
// beginning, and the report says since when it vouches. What only whole logs can
// tell is left out then: decisions that nobody asked for, events of orders that
// never came in, and what shops were told.
//
// Or the audit begins with a checkpoint: what a passing audit knew at its cut,
// from which this one goes on as if it had read everything itself. Of what came
// before it only doesn't know which public records intake had taken, so that it
// wouldn't notice one of those being taken again.
//
// # Memory
//
// What an order asked, claims and showed is kept while something of its story is
// to come, and given back after (see open): some 200 bytes stay of an order that
// is over, most of it its key.
//
// # Order of reading
//
// Partitions may be added in any interleaving, each in offset order. An effect
// can so be read before its cause; everything that needs both is judged by
// Report. Movements are folded as soon as their number is next in the chain and
// wait in memory otherwise, so a caller that reads log.orders and
// log.availability side by side needs less memory than one that reads them one
// after the other.
package audit
