// Package order is the stage that owns orders: their life from the channel's
// first word to the day they are forgotten. It reads log.orders, whose keys are
// order keys, so every order has one writer and one order of events.
//
//	log.orders                     state of the task                     out
//	 OrderEvent ─┐      o key           Order, or what came early  ┌─> log.inventory            one command per SKU
//	 Decision   ─┼────> u key           what waits for a decision  ┼─> order.events             the order after each change, seq 1, 2, 3, …
//	 Warehouse  ─┤      t due kind key  timers, in order of due    ├─> channel.<name>.status    what the channel has to do
//	 Catalog    ─┤      W id            warehouses                 ├─> dead letters
//	 tick       ─┘      C sku           combos                     └─> log.orders: a reminder to ourselves
//	                    w, c, n, h      changes of warehouses and
//	                                    of combos; no timer is due
//	                                    before; parcels this hour
//
// The life of an order. Only what is in capitals is stored as a phase; what is
// told to others is worked out from the states of the units. A shipment is a fact
// and brings an order back to LIVE from wherever it was.
//
//	create ──reserve per SKU──> PENDING ──all SKUs decided──> LIVE: held ──paid──> allocated ─> picked ─> packed ─> shipped ─> delivered
//	                             │  │  ▲                        │     │
//	    not to be had (requests) │  │  └── paid after expiry ─┐ │     │ hold runs out
//	    or undecided in time     ▼  │    (a new attempt)      │ │     ▼
//	                     REJECTED   │                        EXPIRED <┘
//	                                └───cancel───> CANCELLED <──cancel── LIVE, EXPIRED
//
// The verbs are methods of turn, one a file: they change an Order in memory and
// collect commands, events and dead letters as data. stage.go loads, calls and
// stores:
//
//	stage.go stored.go   Decide: entry by entry; load, run the verb, store, send
//	turn.go      one order's turn, and what comes of it
//	take.go      which verb an event means, and which events have to wait
//	create.go paid.go cancel.go ship.go progress.go returned.go expire.go deadline.go snapshot.go decided.go    the verbs
//	named.go     what events name of lines, and what they have named so far
//	move.go      what one event moves, as commands to inventory
//	check.go     what must be true after every turn, always checked
//	verify.go    what must be true of the whole state, looked at in the background
//	row.go       rows of the state, for people
//	outcome.go   what is counted
//	story.go json.go     what is told: order.events and channel.<name>.status
//	inbox.go     events of unknown and of undecided orders
//	seen.go      event ids remembered, in the order itself
//	rank.go warehouse.go where an order may be served from
//	capacity.go  parcels an hour, and what has had them goes last
//	catalog.go combo.go  what a combo is made of; exploding it, keeping whole sets
//	sold.go      lines as they were sold, which is how channels count
//	timer.go due.go      the index of what is due, and working it off
//	codec.go     the state value of an order
//
// What isn't obvious:
//
//   - An event that needs a decided order waits in the inbox while the order is
//     pending, so nothing is ever published between creation and the first
//     decision, and seq 1 is that decision. Only a cancel doesn't wait, and a
//     payment stops the expiry at once, because it came in time.
//   - A release is sent whenever claims end, on the same log and after the
//     reserve, so it can't overtake it; it also ends the attempt, and a decision
//     of an attempt that has ended needs no answer. Without that, units that
//     waited could be filled after the order gave them up: the decision is on
//     its way while the release is on the other.
//   - A fact that inventory doesn't decide in time is told as short, once, and
//     asked for again with twice the patience, until there is an answer.
//   - Events of a warehouse that name lines come in any order: what they have
//     named so far is kept with the line (named.go).
//   - Units that are given up in part (a cancel of some, a shipment of units that
//     wait) are told to inventory by a reduce, with no answer. A fill may be on
//     its way at that time: what it brings beyond what the order still waits for
//     is given back when it comes, so that both end equal.
//   - The saga's deadline is in log time, and a stage that has fallen behind
//     reads it before the decisions, which are written behind the backlog. So
//     half of the time is counted from a reminder (deadline.go).
//   - What is due for an order is always done before anything else in its turn.
//     So an event at or after the due time meets an expired order, however many
//     timers are still to be worked off.
//   - Sharing out with combos goes line by line: a combo takes whole sets out of
//     what is left, a line after it what the sets couldn't use, and only what
//     nobody can use is given back, by a reduce in the deciding turn.
//   - What a table in memory makes of its rows mustn't change state: a transaction
//     that is done again finds the table read already.
//   - Order and events hold views of state values and log records. They are
//     good until Reset.
package order
