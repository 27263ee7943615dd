// Command holdfast is the one binary: nodes, the demo, and all tools around them.
//
//	Run (app.go)            one command line, from arguments to exit code (errors.go)
//	├── settings*.go        file < environment < flags, over defaults; validated as a whole
//	├── client.go           the Kafka client as the settings say, and the wait for a broker
//	├── check.go            what is on the cluster against what must be
//	├── existing.go         for commands that look: the application that is on the cluster
//	├── letter*.go          a dead letter, what was noted of it, and whether a replay helps: no I/O
//	├── read.go             all committed records of topics, up to where they end
//	├── wiring.go           a node put together: run time, stages, stores, adapters (adapters.go)
//	└── one file a command  run (datadir.go), demo (demo_*.go), broker, topology, topics, config, version,
//	                        send (payload.go, key.go), tail (entry*.go), explain, dlq (dlq_*.go), audit, state, bench, sim
//
// A command is a struct of flags with a method Run, in a file of its name, and a
// line in commands (app.go). Standard output carries its answer and nothing
// else; logs and progress go to standard error.
package main
