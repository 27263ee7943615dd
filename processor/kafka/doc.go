// Package kafka is franz-go behind the run time's log seam: group members with a
// transaction each (Session), and what the run time asks of the cluster beside
// them (Cluster).
//
//	worker ── Session ── kgo.GroupTransactSession ──┐
//	          Cluster ── admin, tick producer ──────┼── brokers
//	restore ─ reader ─── plain kgo client ──────────┤
//	standbys ─ tails ─── one for all of them ───────┤
//	          fencer ─── admin ─────────────────────┘
//
// What the client library does that isn't obvious, and what follows here:
//
//   - Its session skips the revocation callback when one is pending since the
//     last End. So the assignment is read off the consumer's own book of offsets
//     (assignment in session.go), never kept by callbacks.
//   - SetOffsets ignores a partition whose offsets haven't been fetched yet. So a
//     seek is kept until it is seen in the book, and the partition stays paused
//     until then.
//   - A revocation since the last End makes the next End abort. So the session
//     says so in Fetches.Rebalanced, before anybody decides anything.
//   - After an unconfirmed EndTxn the right thing is to end again with an abort,
//     which asks for the producer id anew. Settle does.
//   - The producer id is asked for lazily. Join asks for it at once, which ends
//     the transaction that an earlier life left open; else readers wait for its
//     timeout.
//   - Nobody does so for a member that doesn't come back. So at every change of a
//     group the others end what it left open (gone.go, fence.go).
//   - The client's own balancers know nothing of stores. So the group's protocol
//     is one of ours (balancer.go), with the client's behind it for members of
//     older versions; what the client does only for protocols that it knows is
//     done here (unread.go).
package kafka
