// Package bench measures the closed-loop speed of the run time on a broker: of
// one stage with all that it does in production, and of the bare exactly-once
// pipe that it stands on.
//
//	preload      stock in, decided, applied; then all lines into one open
//	             transaction, which hides them from every reader
//	start        the transaction is committed: the whole load is there at once
//	             ├── measured: until the last line's transaction has ended ──┤
//	check        the outcomes on the output log are counted: one for every line
//
// Producing the load isn't measured, and what is measured starts with a node that
// is running and idle.
package bench
