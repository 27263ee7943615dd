// Package placement says which worker of a group gets which partition: a pure
// function from what the members claim to a plan. The leader of a group calls it
// behind the group's protocol (package kafka); every node calls it for itself, to
// know what to warm up.
//
//	member ──join: what its process has a store of, and how far behind──┐
//	member ──join──────────────────────────────────────────────────────┼──> leader: Of ──> plan
//	member ──join──────────────────────────────────────────────────────┘
//
// What counts, in this order, where all nodes keep standbys:
//
//  1. recovery   a partition goes where it decides again soonest: to a store that
//     is even with its changelog, else to the one that lacks least
//  2. balance    no worker has two partitions more than another
//  3. rest       a partition stays where it is; between workers of one process,
//     which share their stores, it moves more lightly than between nodes
//
// So nothing is moved to an empty store for the sake of balance: a node that came
// anew warms up what will be its (WarmUp), asks for a rebalance when it is even,
// and the partitions move in the time that a commit takes. Where a node keeps no
// standbys nobody warms anything up, and balance comes before recovery.
package placement
