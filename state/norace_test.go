//go:build !race

package state

// histories is how many random lives a store leads.
const histories = 240
