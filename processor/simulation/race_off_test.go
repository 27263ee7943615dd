//go:build !race

package simulation

const seedsMax = 1 << 30
