// Package inventory is the stage that owns stock: the only place where units
// are promised. It reads log.inventory, whose keys are SKUs, so every SKU has
// one writer and one order of events, and check and claim are one step.
//
//	log.inventory                           state of the task                   out
//	 Command  reserve        ─┐      i sku            Item: counters by    ┌─> log.orders        decision of reserve and fill,
//	          confirm         │                       warehouse, policies  │                     keyed by order
//	          release, reduce ├────> h sku 0 order    Hold: what an order ─┤
//	          ship           ─┤                       claims of the SKU    ├─> log.availability  decision of all else, keyed by
//	          ship_unclaimed  │      w sku 0 class n  Waiter: who waits    │                     SKU: the ledger
//	          return         ─┘      m sku 0 house    history: what came   │
//	                                                  and went in a day    ├─> log.availability  one Availability per SKU changed
//	 Stock    count          ─┐      e … x … p        event ids of the     │                     and transaction, and the same
//	          receive, adjust ├────>                  last 24 hours        │                     under the key of each combo
//	          damage, policy ─┘      q … n            ends of quotas      ─┘                     that it is a component of
//	 Catalog  row            ──────> c combo … k      its components
//	 tick                            b sku            serving goes on here
//
// The verbs are pure functions, one a file: they change an Item and a Hold in
// memory and fill in a record.Decision. The rest loads, calls and emits:
//
//	stage.go    Decide: entry by entry; Finish: items changed are written once
//	cache.go    items of the open transaction, in the order they were first touched
//	command.go  load hold, call the verb, write hold and waiter, send the decision
//	stock.go    the stock feed: event ids seen, verbs, dead letters
//	serve.go    units that came free go to who waits, before anybody else can ask
//	behind.go   what of that a transaction has no room for: the next ones go on
//	policy.go   who may sell how much: safety, buffers, caps
//	quota.go    what quotas leave to whom; quota_end.go: their end at their time
//	history.go  what moved physically in the last day: a late count needs it
//	catalog.go  which combos a SKU is part of, for those who sell them
//	memory.go   event ids: remembered, and forgotten in chunks
//	want.go     who waits for which warehouse
//	pick.go     which warehouses serve
//	check.go    what must be true after every decision, always checked
//	verify.go   what must be true of the whole state, looked at in the background
//	row.go      rows of the state, for people
//
// What isn't obvious:
//
//   - A hold is the memory of its reserve: a repetition while the order claims
//     or waits is answered from it. When the claim has gone (released, or
//     shipped to the last unit) nothing is kept, so state doesn't grow with
//     closed orders. The log carries every command once, so nothing more is
//     needed; so reduce, return and ship_unclaimed have no memory at all.
//   - A return and a shipment without a claim are facts about the building. They
//     ask no hold and change none, and make the warehouse's row where there is
//     none, though the stock feed has never named the SKU.
//   - A count that is heard of late keeps what moved after it; see history. The
//     other way round nothing is done: a movement that is heard of after a count
//     that took place later moves on hand though it has been counted.
//   - Orders that are facts wait in class 1, backorders in class 2. A class is
//     part of the waiter's key, so the line is read in the order it is served.
//   - Nobody waits who could get a unit: the warehouses of his list have none
//     available, or quotas leave him none of them. Who waits has taken all he
//     could, and units that come free later are handed out in the same step. So
//     a reserve never has to look at who waits: what it may take at a warehouse
//     is for nobody in line. Only warehouses that gained units are handed out;
//     with quotas, units that came in at one warehouse, went back into a quota
//     or out of one may be for somebody who wants another, and then all are.
//     While a SKU is behind, none of this holds, and reserves are kept from what
//     is waited for; see behind.go.
//   - A quota's end takes effect before the first decision about its SKU at or
//     after that time, in the log's time, however far working off the index of
//     ends has come.
//   - A component of a thousand combos is told a thousand times whenever it
//     moves: once for each of them and transaction.
//   - Strings in Item, Hold and Command are views of the log's records and of
//     state values. They are good until Reset, which lets go of all of them.
package inventory
