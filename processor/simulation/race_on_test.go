//go:build race

package simulation

// seedsMax: all of a run happens in one order, one thing after the other, so
// there is little for the race detector to find, and it makes it ten times as
// slow.
const seedsMax = 5
