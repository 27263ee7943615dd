// Command takeover measures what a node's death costs: two nodes that hold
// millions of open holds and are under load on a real Kafka lose one of them, and
// one probe measures from outside for how long nothing of each partition is
// decided. Holdfast and Kafka Streams go through the same drills at the same work,
// the inventory's (loadtest/peers says what that is).
//
//	feed ──> input ──> [node a] [node b] ──> outcomes ──> probe (read_committed)
//	lines, at a rate       ^  kill -9, SIGTERM,           when was something of each
//	                       └─ start                       partition decided last?
//
//	main.go        flags, and the way from them to the table
//	broker.go      the broker that they share
//	contender.go   what a contender is: its topics, its form of a line, its node
//	holdfast.go, streams.go   the two of them
//	node.go        one process: start, kill, stop, what it says
//	feed.go        stock, open holds, and the load
//	probe.go       reads outcomes, and sees that each line has exactly one
//	watch.go       when each partition stood still, and for how long
//	settle.go      when all is well again
//	drill.go       the drills
//	table.go       medians beside the targets
//
// A partition is one of the input: outcomes are on partitions of their own, and
// each names the SKU that it is about. A decision counts when a reader of
// committed records has it, so what readers wait for a transaction that a dead
// node left open is in the time.
package main
