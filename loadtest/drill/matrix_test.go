package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The matrix must not rot: a test that was renamed shows nothing.
func TestMatrixNamesWhatIsThere(t *testing.T) {
	drillsUsed := map[string]bool{}
	for _, row := range matrix() {
		require.NotEmpty(t, append(row.Drills, testNames(row)...), "nothing shows that this is survived: %s", row.Fault)
		for _, test := range row.Tests {
			require.True(t, hasTest(t, test), "%s: %s has no test %s", row.Fault, test.Folder, test.Name)
		}
		for _, name := range row.Drills {
			drillsUsed[name] = true
			require.NotNil(t, find(drills(), name).Do, "%s: no drill is called %s", row.Fault, name)
		}
	}
	for _, d := range drills() {
		require.True(t, drillsUsed[d.Name], "no row of the matrix names the drill %s", d.Name)
	}
}

func testNames(r Row) (names []string) {
	for _, test := range r.Tests {
		names = append(names, test.Name)
	}
	return names
}

func hasTest(t *testing.T, test Test) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(test.Folder), "*_test.go"))
	require.NoError(t, err)
	declared := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(test.Name) + `\(t \*testing\.T\)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if declared.Match(text) {
			return true
		}
	}
	return false
}

func TestDrillsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for _, d := range drills() {
		require.Regexp(t, name, d.Name, "it is part of the names of topics and folders")
		require.False(t, seen[d.Name], "%s twice", d.Name)
		seen[d.Name] = true
		require.NotEmpty(t, d.Fault, d.Name)
		require.NotEmpty(t, d.Expected, d.Name)
		require.Positive(t, d.Timeout, d.Name)
	}
}

func TestListPrintsEveryRow(t *testing.T) {
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"--list"}, &out, &errs), errs.String())
	require.Equal(t, len(matrix())+2, strings.Count(out.String(), "\n"))
	require.Contains(t, out.String(), "kill-node (within 15s)")
}
