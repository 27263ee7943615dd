//go:build !drills

package main

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is shipped must not have what drills need: a node that kills itself.
func TestShippedProgramHasNoDrills(t *testing.T) {
	t.Setenv("DRILL_KILL_AT", "poll:1")
	at, err := killPoint(nil)
	require.NoError(t, err)
	require.Nil(t, at)
	tagged := regexp.MustCompile(`-tags[= ]\S*drills`)
	for _, file := range []string{"../../Makefile", "../../Dockerfile", "../../docker-compose.yml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotRegexp(t, tagged, string(text), file)
	}
}
