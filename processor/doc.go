// Package processor is the run time: it reads partitioned logs, lets stages
// decide, and commits state, output and offsets exactly once. It knows nothing of
// stock; stages are given to it through package stage.
//
// The way of a record:
//
//	session.Poll        log.go       records of the partitions that are running
//	worker.Step         worker.go    the loop
//	task.decide         task.go      one partition: time, stage, failures
//	tx                  tx.go        state through the overlay, output into the batch
//	batch               batch.go     envelopes, public records, dead letters
//	worker.commit       commit.go    finish, prepare, produce, flush, end, apply
//	worker.abandon      settle.go    every other way out of a transaction
//
// and around it:
//
//	reconcile.go  tasks follow the assignment      stores.go  one owner per store
//	restore.go    store right before it decides    tick.go    time and trimming
//	fate.go       what an error means              status.go  what people see
//	observer.go   what metrics are told            consumed.go  how far each task is
//	verify.go     a walk through the stores for    skip.go         a record passed over,
//	              what can't be                                   when somebody says so
//	room.go       a full disk
//	waiting.go    who waits for the brokers        storm.go     sources that are paused
//	standby.go    stores kept up to date for       rendezvous.go  whose standby
//	              partitions of other nodes                       a node is
//	claim.go      what the process has stores of, by which the group places partitions
//
// One transaction on the time line; the store is touched only after the log has
// the transaction for good:
//
//	            poll   poll        produce flush end ┊ apply
//	worker   ────●──────●───────────●────────●────●──┊──●──────▶
//	overlay      [ put, delete … ]  encoded           ┊ dropped
//	log                             [ undecided ]     ┊ committed
//	store    ─────────── unchanged ───────────────────┊──[ one batch: data and both offsets ]
//
// Not obvious, each found by breaking the loop:
//
//   - The session commits what was polled, not what was decided. So a partition
//     is paused until its store is right, and a batch in which anything polled
//     wasn't decided is abandoned as a whole.
//   - Only (true, nil) from End is a commit. Everything else is settled and then
//     compared: the group's stable offset against the store's.
//   - No transaction without consumed input: one that commits no offset isn't
//     fenced by the group, and a zombie could end it. So time comes as ticks, and
//     what a transaction left over goes on with one, at once.
//   - Every transaction that consumed from a task writes it a delta, be it empty,
//     so that the input offset and the changelog move together.
//   - The store's input offset is the authority; the consumer is always told
//     explicitly where to read.
//   - Assignment is reconciled on every round, since callbacks can be skipped.
package processor
