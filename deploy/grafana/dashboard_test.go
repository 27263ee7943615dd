package main

import (
	"os"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// names are the metrics that a node has, with their types: what the main module's
// TestMetricNames found in its registry.
const names = "../../cmd/holdfast/testdata/metric_names.txt"

// realMetrics returns the names of all series: a histogram has three.
func realMetrics(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(names)
	require.NoError(t, err)
	real := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		name, kind, ok := strings.Cut(strings.TrimSpace(line), " ")
		require.True(t, ok, line)
		if kind == "histogram" || kind == "summary" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				real[name+suffix] = true
			}
			continue
		}
		real[name] = true
	}
	require.Greater(t, len(real), 50)
	return real
}

// plain gives Grafana's variables the values that Grafana would.
func plain(expr string) string {
	return strings.NewReplacer("$__rate_interval", "1m", "$job", ".+").Replace(expr)
}

// TestExpressions: each is PromQL, about metrics that exist, of the chosen jobs.
func TestExpressions(t *testing.T) {
	real, used := realMetrics(t), 0
	for _, p := range build().Panels {
		for _, target := range p.Targets {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(plain(target.Expr))
			require.NoError(t, err, "%s: %s", p.Title, target.Expr)
			parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
				s, ok := n.(*parser.VectorSelector)
				if !ok {
					return nil
				}
				used++
				require.True(t, real[s.Name], "%s: there is no metric %s", p.Title, s.Name)
				require.True(t, ofJob(s.LabelMatchers), "%s: %s isn't limited to the job", p.Title, s.Name)
				return nil
			})
			require.NotContains(t, plain(target.Expr), "$", p.Title)
		}
	}
	require.Greater(t, used, 30)
}

func ofJob(matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if m.Name == "job" {
			return true
		}
	}
	return false
}

// TestLayout: nothing overlaps, nothing is wider than the grid, ids are unique.
func TestLayout(t *testing.T) {
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range build().Panels {
		require.False(t, ids[p.ID])
		ids[p.ID] = true
		require.NotEmpty(t, p.Title)
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, columns, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				require.Empty(t, taken[cell], "%s is where %s is", p.Title, taken[cell])
				taken[cell] = p.Title
			}
		}
	}
}

// TestWritten: the file is what the program makes.
func TestWritten(t *testing.T) {
	want, err := build().encode()
	require.NoError(t, err)
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "go run . in deploy/grafana")
}
