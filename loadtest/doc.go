// Package loadtest measures a running system from outside: what a sale looks
// like to those who place orders.
//
//	loadtest/sale       makes up the records of a sale, and when each is meant to be sent
//	loadtest            latency from the intended sending to the first order event
//	loadtest/audit      proves afterwards that nothing was promised twice, lost or leaked
//	loadtest/explain    tells the story of one order
//	loadtest/scenario   reads what a rehearsal of a sale is
//	loadtest/scenarios  those that come with Holdfast
//	loadtest/run        rehearses one against a running system: GO or NO-GO
//	loadtest/report     holds, draws and compares what a run of a load test measured
//	loadtest/peers      other stream processors at the work of `holdfast bench inventory`
//	loadtest/takeover   what a node's death costs, and the same of Kafka Streams
//
// None of them shares decision code with the stages: they know records only.
package loadtest
