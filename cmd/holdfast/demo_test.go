package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/audit"
)

// TestDemo: a small sale on the embedded broker, through all stages and the
// audit.
func TestDemo(t *testing.T) {
	// Some seconds, but many times that under the race detector on a busy machine.
	h := &harness{t: t, timeout: 4 * time.Minute}
	out := h.good("demo", "--orders", "3000", "--rate", "3000", "--skus", "300", "--exit", "--output", "json")
	s := decodeJSON[demoSummary](t, out)
	require.Equal(t, 3000, s.Orders)
	require.Equal(t, audit.Pass, s.Audit)
	require.Empty(t, s.AuditReport.Violations)
	require.Zero(t, s.OversoldUnits)
	require.Equal(t, s.Orders, s.AuditReport.Orders, "every order is decided")
	require.Positive(t, s.SoldOutSKUs)
	require.Positive(t, s.DuplicatesSent)
	require.Positive(t, s.Expired)
	require.Positive(t, s.Rejected)
	require.Equal(t, s.BrokenSent, s.DeadLetters, "what is broken on purpose is with the dead letters, and nothing else is")
	require.LessOrEqual(t, s.P50Millis, s.P99Millis)
}

func TestDemoRefusesWhatMakesNoSale(t *testing.T) {
	h := &harness{t: t}
	require.Contains(t, h.bad(exitUsage, "demo", "--orders", "0", "--exit"), "0 orders")
}
