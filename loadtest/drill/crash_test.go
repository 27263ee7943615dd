package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every step that the run time names is one at which a drill ends a node.
func TestCrashPointsAreThoseOfTheRunTime(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "processor", "*.go"))
	require.NoError(t, err)
	named := regexp.MustCompile(`\.[aA]t\("([^"]+)"\)`)
	var points []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, found := range named.FindAllSubmatch(text, -1) {
			points = append(points, string(found[1]))
		}
	}
	slices.Sort(points)
	before, after, settle, other := crashPoints()
	ours := slices.Concat(before, after, settle, other)
	slices.Sort(ours)
	require.Equal(t, slices.Compact(points), ours)
}
