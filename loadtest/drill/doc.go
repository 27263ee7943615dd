// Command drill rehearses faults: it does to real processes and a real Kafka
// what the night of a sale may do to them, and tells whether what must hold
// held.
//
//	go run ./loadtest/drill --list               the matrix: every fault, and what shows that it is survived
//	go run ./loadtest/drill --only 'kill|zombie' some of the drills
//
//	main.go      flags, and the way from them to the exit code
//	matrix.go    faults → named tests and drills
//	drills.go    the drills, one file each behind it
//	drill.go     what a drill is, and one run of one
//	scene.go     what it has: an application of its own, nodes, a load, an end
//	kafka.go     the broker            node.go      a node in its successive lives
//	cluster.go   three brokers, which lead what and when they are in sync
//	load.go      orders at a rate      audit.go     the judge
//	status.go    /status, /metrics     watch.go     who decides what, and since when
//	report.go    the table, as text and as JSON
//
// One drill:
//
//	topics of its own ─ nodes ─ load ───────(fault)────────────────── end of load ─ audit ─ nodes stop
//	                    watch:  ─── next offset of every partition ───▶
//	                                        └─ since then: which have decided again, after how long
//
// A drill that fails leaves its folder: the nodes' logs and state, the load's
// and the audit's report. One that passes leaves nothing. In any case no process
// outlives it, and its topics are deleted.
package main
