//go:build race

package state

// histories is how many random lives a store leads. Pebble under the race detector is many times slower.
const histories = 30
