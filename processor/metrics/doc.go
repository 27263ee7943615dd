// Package metrics tells Prometheus what a node does.
//
//	run time ──Observer──> Metrics      counters and histograms, written once per transaction
//	broker   <──asks────── Lag          how far behind each partition is, every few seconds
//	Node.Status ─────────> collectors   phases, restores, lag, stores: read when somebody scrapes
//	clients  ──hooks─────> kprom        bytes, requests and errors of the Kafka clients
//
// Nothing is done per record. Everything is in one registry, and its series are
// bounded by the configuration, never by what is sold: no SKU, no order, no
// customer is ever a label. With the default configuration (nine channels, eight
// partitions of each internal log) a node that has all partitions shows about
//
//	100   decisions by stage, decision, outcome: the stages' own lists
//	 70   dead letters: stages × reasons of the vocabulary, those that occurred
//	140   lag in records and in seconds: one each per partition of an input
//	150   histograms: three per stage with some ten buckets
//	300   Kafka clients: by topic and broker
//	150   Go, process, stores, phases, transactions
//
// together below a thousand; more partitions or channels add to the lag and to
// the clients' part alone.
package metrics
