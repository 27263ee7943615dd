// Package closing shows that the changelog stays short while state comes and
// goes: orders reserve stock, most of them are shipped and closed on the way, and
// after every transaction the changelog is compared with the size of the state.
//
//	load.go      stock, then reserve commands, each closed by ship or release some
//	  │          tens of thousands of commands later
//	  ▼
//	log.go       log.inventory, in memory ──> session.go ──> processor's loop ──> inventory
//	                                              │                                  │ watch.go: what it puts and deletes
//	                                              ▼                                  ▼
//	             changelog.inventory, in memory ──┴── judge.go: its length ≤ bound(size of the state)?
//	                                              │
//	restore.go   a fresh store from that log alone ── the same as the node's own?
//
// The run time's loop, the inventory stage and the stores on disk are those of
// production. The log is the smallest one that can carry them: one process, no
// faults, every transaction commits. What DeleteRecords deletes is dropped from
// memory, so whoever needed it would find out. Time is the log's own, and goes by
// with the polls: the same seed makes the same transactions. Only how long Pebble
// takes to flush isn't fixed by it.
//
// # The bound
//
// For each partition, S is the size of its state, as the changelog would hold it:
// for each key one entry of a delta, which is the key, the value and their two
// lengths. It is counted from what the stage puts and deletes, before state sees
// it. The bound takes the largest S that the state had from the start of the
// changelog to its end. With the sweep's share f, after every transaction, before
// anything is trimmed because of it:
//
//	bytes on the changelog ≤ 2·S·(1+1/f) + LogBytesMin + largest delta
//
// The last two are what doesn't grow with the state: LogBytesMin is the length
// below which state.Config promises nothing, and no delta is cut in halves. Bytes
// on the changelog are those of its records' values, from its start to its end.
//
// The bound has no part for deltas that aren't on disk yet, though a store keeps
// the changelog from being trimmed past them: up to state.Config's FlushBytes while
// the disk is slow, and half a memtable as a rule. That has to fit into what rounds
// of the sweep leave of the bound. So a run wants a state that isn't small beside
// FlushBytes, and a disk that isn't stalled.
//
// # Speed and size after many orders
//
// mark.go notes CPU time and the stores' size on disk at each tenth of the orders;
// a benchmark compares the first tenths with the last.
//
// # Running it
//
// The test does a small run whose stores are as much smaller. The full one takes
// some minutes and says how long the changelog became:
//
//	HOLDFAST_CLOSING_RESERVATIONS=2000000 go test -count 1 -v -timeout 30m -run TestChangelogStaysShort ./loadtest/closing
package closing
