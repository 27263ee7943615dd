// Package bench measures the closed-loop speed of the run time on a broker: of
// one stage with all that it does in production, of all stages together, and of
// the bare exactly-once pipe that they stand on.
//
//	preload      stock in, decided, applied; then the whole load into one open
//	             transaction, which hides it from every reader
//	start        the transaction is committed: the whole load is there at once
//	             ├── measured: until the last transaction that it led to has ended ──┤
//	check        the outputs are read back: each line, or order, has its one
//	             outcome, and of orders the channel was told what they left
//
// Producing the load and reading back aren't measured, and what is measured starts
// with a node that is running and idle. The files: inventory.go, load.go for one
// stage; orders.go, public.go, readback.go for all of them.
package bench
