package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/report"
)

// storeResult writes a result of a short run, and returns its path.
func storeResult(t *testing.T, name string, change func(*report.Result)) string {
	t.Helper()
	r := &report.Result{Scenario: "rush", Verdict: report.Go, Seconds: 30,
		Thresholds: []report.Threshold{{Name: "accepted p99", Limit: 500, Value: 20, Unit: "ms", Kept: true}}}
	change(r)
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, report.WriteFile(path, r.Write))
	return path
}

func TestLoadtestReport(t *testing.T) {
	h := &harness{t: t}
	first := storeResult(t, "a.json", func(*report.Result) {})
	require.Contains(t, h.good("loadtest", "report", first), "GO: rush")
	dir := filepath.Join(t.TempDir(), "out")
	out := h.good("loadtest", "report", first, "--html", dir)
	require.Equal(t, filepath.Join(dir, "a.html")+"\n", out)
	page, err := os.ReadFile(filepath.Join(dir, "a.html"))
	require.NoError(t, err)
	require.Contains(t, string(page), "✓ GO")

	again := storeResult(t, "a.json", func(*report.Result) {})
	require.Contains(t, h.bad(exitUsage, "loadtest", "report", first, again, "--html", dir), "would both be drawn to a.html")
	require.Contains(t, h.bad(exitUsage, "loadtest", "report", "nowhere.json"), "nowhere.json")
	other := writeFile(t, "x.json", `{"version":7}`)
	require.Contains(t, h.bad(exitFailed, "loadtest", "report", other), "x.json: a load test's result of version 7")
}

func TestLoadtestCompare(t *testing.T) {
	h := &harness{t: t}
	first := storeResult(t, "a.json", func(*report.Result) {})
	second := storeResult(t, "b.json", func(r *report.Result) { r.Verdict, r.Thresholds[0].Kept = report.NoGo, false })
	require.Contains(t, h.good("loadtest", "compare", second, first), "improved")

	html := filepath.Join(t.TempDir(), "out.html")
	r := h.run("loadtest", "compare", first, second, "--html", html)
	require.Equal(t, exitViolation, r.code)
	require.Contains(t, r.out, "REGRESSED")
	require.Equal(t, "holdfast: 2 figures regressed: worse by more than 10 % and more than noise.\n", r.errout)
	page, err := os.ReadFile(html)
	require.NoError(t, err)
	require.Contains(t, string(page), "✕ REGRESSED")

	got := decodeJSON[report.Comparison](t, h.good("loadtest", "compare", first, first, "--worse", "0.25", "-o", "json"))
	require.False(t, got.Regressed)
	require.Equal(t, 0.25, got.Worse)
	for _, worse := range []string{"much", "-1%", "nan"} {
		require.Contains(t, h.bad(exitUsage, "loadtest", "compare", first, first, "--worse="+worse), "--worse "+worse+": ")
	}
}
