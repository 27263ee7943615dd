// Package scenario reads what a rehearsal of a sale is: how many orders come when
// and what they are like, what is broken meanwhile, and what must hold.
//
//	NAME.yaml ──Lay──Parse──> Scenario ──Profile──> when each order is due   (loadtest/sale)
//	             ↑     ↑         │
//	   OVER.yaml ┘  changes      ├──────Sale──────> what is sent             (loadtest/sale)
//	               KEY=VALUE     └─ Faults, Outages, Thresholds, Drain ─> loadtest/run
//
// It is strict: a key that it doesn't know is somebody's intent that would be
// lost. Everything that is wrong is told at once, with its line. What is read may
// come from anybody: its size and its numbers are limited.
package scenario
