// Command holdfast is the one binary: nodes, tools and tests of load.
//
//	Run (app.go)            one command line, from arguments to exit code (errors.go)
//	├── settings*.go        file < environment < flags, over defaults; validated as a whole
//	├── client.go           the Kafka client as the settings say, and the wait for a broker
//	├── check.go            what is on the cluster against what must be
//	├── read.go             all committed records of topics, up to where they end
//	└── one file a command  topology, topics, send (payload.go, key.go), tail (entry*.go),
//	                        broker, config, version, …
//
// A command is a struct of flags with a method Run, in a file of its name, and a
// line in commands (app.go). Standard output carries its answer and nothing
// else; logs and progress go to standard error.
package main
