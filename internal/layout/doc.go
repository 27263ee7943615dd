// Package layout checks the shape of the repository itself: which folder may
// import which, what the decisions must not touch, and that no file names what
// isn't there for a reader. Its checks run with the other tests.
//
//	topology/record   topology   state          know none of ours
//	      ^    ^         ^          ^
//	      |    |         |          |
//	 channel/* +-- processor/stage  |           loadtest, loadtest/audit: topology, record
//	              ^       ^         |
//	              |       |         |
//	  inventory order   processor --+           the run time; it knows no stage by name
//	  channels intake     ^      ^
//	  (pure decisions)    |      |
//	              processor/kafka  processor/simulation
//	                      ^
//	                 cmd/holdfast               wires everything
//
// The table in rules.go is this drawing in full. A folder that isn't in it
// fails the test, so that a new one gets its place on purpose.
package layout
