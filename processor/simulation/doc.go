// Package simulation runs whole nodes, all their stages over real stores, on a
// log in memory, and lets everything go wrong that can: processes end or freeze
// at any step, answers get lost, transactions are aborted or end when nobody
// waits for them any longer, partitions move, clocks differ, disks lose what
// wasn't synced. One seed decides all of it, so the same seed gives the same
// run.
//
//	              ┌──────────────────── Simulation: one source of chance, one clock ─────────────────────┐
//	              │                                                                                      │
//	Feed ─────────┼─> Broker          process i0#1                  process i1#2         …             │
//	(sale.go)     │   logs            ┌─────────────────────┐       ┌─────────────────────┐              │
//	              │   transactions    │ processor.Node      │       │                     │              │
//	              │   groups  <───────┼─ Cluster, sessions  │       │                     │              │
//	              │   Faults          │ routines: loops and │       │                     │              │
//	              │                   │ what runs beside    │       │                     │              │
//	              │                   │ stores on a disk    │       │                     │              │
//	              │                   └─────────────────────┘       └─────────────────────┘              │
//	              └──────────────────────────────────────────────────────────────────────────────────────┘
//	                                    │ comes to rest without faults, stops
//	                                    ▼
//	             Judge: decided again by the stages alone      Audit: by the auditor's own model
//
// The broker has Kafka's rules where they matter (log.go, txn.go, group.go), and
// the client franz-go's habits (session.go, end.go). Each is as hard on the run
// time as the real one may be, and in one thing harder: a partition goes to its
// new owner at once, whether the old one knows it or not.
//
// A process's goroutines are routines: coroutines that give up their turn at
// named points, which are the steps of the run time's loop and the requests to
// the broker. So two processes interleave at every step, and a process can end
// or freeze in the middle of a commit while others go on.
//
// What is judged:
//
//	judge.go    every committed transaction is what the stages make of the records that it consumed: no
//	            more, no less, on the state that the transactions before it led to. Every store, on whatever
//	            disk, and one restored from nothing hold that state; positions agree with the group.
//	txn.go      transactions consume a partition without gaps and overlaps
//	fence.go    what others end is what they have seen a gone member leave open
//	audit.go    nothing oversold, leaked, decided twice or untold
//
// and failure.go has the names of these rules. seeds.go runs many seeds, for the
// tests and for `holdfast sim`, summary.go adds up what they came to.
//
// The metamorphic runs (metamorphic_test.go) need no judge: a stage's recorded
// input, cut into other transactions and under faults, comes to what it came to
// undisturbed, one record at a time.
//
// When a test fails it prints the seed and the command that shows the run again,
// with -v step by step. What the simulation is worth is shown by `go test -tags
// mutants`: it must find each of a list of faults that are put in on purpose.
package simulation
