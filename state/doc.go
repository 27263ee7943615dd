// Package state holds the state of one task: a local key-value store whose truth is a Kafka partition, its changelog.
// It knows bytes only: no topics are read or written here, no keys are interpreted.
//
// # A transaction
//
//	Get, Put, Delete, Scan     decisions read the overlay over the store and write the overlay; the store isn't touched
//	Prepare                    overlay -> one delta, cut into the parts that are produced to the changelog
//	Commit(first, last)        the Kafka transaction is known to be committed: the delta goes to Pebble in one batch,
//	                           together with the position it leads to
//	Drop                       it isn't, or nobody knows: overlay and delta are forgotten. If it was committed after
//	                           all, Restore reads it back from the changelog
//
// # What holds at every moment
//
//   - The store is a prefix of the committed changelog, never ahead of it: only Commit and Restore write, whole deltas
//     together with the position that they lead to. That is one delta in one Pebble batch (apply.go), or, where a restore
//     has much to read, many in one table that Pebble takes over as a whole (gather.go).
//   - Pebble runs without a write-ahead log, the changelog is one. After a crash the store comes back as an earlier
//     prefix, with the position of that prefix, and Restore rolls it forward.
//   - Each delta says how many bytes of changelog were written before it. A delta that is missing, doubled or written
//     on top of another history doesn't fit the store, and is refused (DeltaError).
//
// # Key space of a store's Pebble
//
//	┌──────────────┬────────────────────────────────────────────┐
//	│ 0x00 "local" │ position, sweep state (meta.go)            │  written by every batch, in no delta
//	├──────────────┼─────────────────┬──────────────────────────┤
//	│ key          │ round (uvarint) │ value                    │  first byte of a key: 0x01 to 0xfe
//	└──────────────┴─────────────────┴──────────────────────────┘
//
// The round in front of a value is the round of the sweep in which it was written; see below.
//
// # A delta
//
// A delta's body is one run of bytes, whatever its size; it is cut where a part is full, so no entry is too large.
//
//	part   ┌─────────────────────────┬───────────┐ ┌─────────────────────────┬───────────┐
//	       │ header, part 0 of 2     │ body …    │ │ header, part 1 of 2     │ … body    │
//	       └─────────────────────────┴───────────┘ └─────────────────────────┴───────────┘
//	header ┌─────────┬──────┬───────┬──────────┬──────────────┬───────────────────────────────────────────┐
//	       │ version │ part │ parts │ checksum │ section ends │ flags, input offset, stream time, sweep … │
//	       │ 1       │ 2    │ 2     │ 8        │ 3 × 4        │ 1 + 8 × 11                                │
//	       └─────────┴──────┴───────┴──────────┴──────────────┴───────────────────────────────────────────┘
//	body   ┌────────────────────────────┬──────────────────────────┬────────┐
//	       │ writes: puts and deletes   │ swept: puts              │ cursor │
//	       └────────────────────────────┴──────────────────────────┴────────┘
//	entry  ┌───────────────────────────────────────┬─────┬───────────────────────┬───────┐
//	       │ key length × 2, +1 delete (uvarint)   │ key │ value length (uvarint)│ value │   a delete ends after its key
//	       └───────────────────────────────────────┴─────┴───────────────────────┴───────┘
//
// Numbers are little-endian. All parts carry the same header but for the part's number; the checksum covers the body
// and what the parts share.
//
// # The sweep
//
// Deltas never overwrite each other, so something has to keep the changelog short. Every delta also repeats some keys
// that it doesn't write, next to a cursor that walks the key space. When the cursor has gone round, all that lies before
// the first delta of the round is redundant (TrimTo).
//
//	            round 6 (over)              round 7 (runs)
//	changelog  ├──────────────────────────┼───────────────────▶
//	           ▲ the log may start here     cursor at "m…": all keys up to "m…" are in round 7 already
//
// A key that was written in the running round is in the log behind the round's start as it is: the sweep passes it
// without repeating it, told by the round in front of its value. So keys that are born faster than the cursor walks,
// at the end of the key space or in the middle of it, can't hold a round up; and what is rewritten all the time is
// never swept. See sweep.go for the price of each step and the bound on the log's length.
package state
