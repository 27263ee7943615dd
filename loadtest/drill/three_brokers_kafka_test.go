//go:build kafka

package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestThreeBrokers is the drill with a single kill, and with a bound for machines
// that do other things too: what the time must be is the drill's to judge. Its
// ports are below those that systems hand out to outgoing connections.
func TestThreeBrokers(t *testing.T) {
	t.Chdir("../..")
	c := defaultConfig()
	c.Dir, c.Port, c.stderr = t.TempDir(), 15_000+clusterPorts*rand.IntN(200), t.Output()
	require.NoError(t, c.build(t.Context()))
	r := c.rehearse(t.Context(), brokersGo(1, time.Minute, 8*time.Minute), nil)
	require.True(t, r.Passed, r.Reason)
}
