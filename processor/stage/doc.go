// Package stage is the contract between the run time and the stages it runs:
// what a stage is given (records of its log and a transaction) and what it must
// be able to do. The run time knows nothing of stock; a stage knows nothing of
// Kafka, Pebble, goroutines or clocks.
//
//	                 +-------------------- one transaction ---------------------+
//	input log  --->  | Decide(tx, record) ... Decide(tx, record)  Finish(tx)    |  ---> Reset()
//	                 |    |  reads and writes state, sends and publishes via tx |
//	                 +----------------------------------------------------------+
//
// A Stage value belongs to one task (one partition of one log) and is called by
// one goroutine at a time.
package stage
