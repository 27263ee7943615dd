// Package layout checks the shape of the repository itself: which folder may
// import which, what the decisions must not touch, and that no file names what
// isn't there for a reader. Its checks run with the other tests.
//
//	topology   state   topology/record/pack       know none of ours
//	   ^         ^          ^
//	   |         |    topology/record  <── channel/*
//	   |         |          ^
//	   |         |    processor/stage  <── processor/inventory, order, channels, intake
//	   |         |          ^                  (pure decisions, one verb a file)
//	   +─────────+── processor                 the run time; it knows no stage by name
//	   |                    ^
//	   |             processor/kafka, processor/simulation
//	   |
//	   +── loadtest, loadtest/audit            what is on the wire, and no decision code
//
//	cmd/holdfast wires everything
//
// The table in rules.go is this drawing in full. A folder that isn't in it
// fails the test, so that a new one gets its place on purpose.
package layout
