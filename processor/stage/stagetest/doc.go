// Package stagetest runs stages without a run time: one task in memory (Task),
// or the whole topology wired by hand (Driver), synchronously and with a clock
// that the test moves. It is to stages what a topology test driver is to a
// stream topology.
//
//	Driver: Public("channel.web.orders", json) ─> intake ─> orders <─> inventory ─> channels ─> Published
package stagetest
