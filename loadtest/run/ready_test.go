package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/scenario"
)

// What can be known before the load about its faults is told then, and all of it.
func TestReady(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "node.pid")
	at := func(n int) scenario.Span { return scenario.Span(time.Duration(n) * time.Second) }
	kill := scenario.Fault{At: at(1), Name: "node b dies", Signal: "KILL", PIDFile: file}
	start := scenario.Fault{At: at(2), Run: []string{filepath.Join(dir, "start.sh")}}

	err := ready([]scenario.Fault{start, kill})
	require.EqualError(t, err, fmt.Sprintf(`the fault "node b dies" can't be done: open %[1]s: no such file or directory
the fault "run %[2]s" can't be done: exec: %[2]q: stat %[2]s: no such file or directory`, file, start.Run[0]))

	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		require.NoError(t, os.WriteFile(name, []byte(text), mode))
	}
	write(start.Run[0], "#!/bin/sh\n", 0o644)
	write(file, strconv.Itoa(os.Getppid()), 0o600)
	require.ErrorContains(t, ready([]scenario.Fault{start, kill}), "permission denied")
	require.NoError(t, os.Chmod(start.Run[0], 0o755))
	require.NoError(t, ready([]scenario.Fault{start, kill}))

	write(file, strconv.Itoa(os.Getpid()), 0o600)
	require.ErrorContains(t, ready([]scenario.Fault{kill}), "is this process, which measures what comes of it")
	write(file, "4194305", 0o600) // above what Linux gives
	require.EqualError(t, ready([]scenario.Fault{kill}), `the fault "node b dies" can't be done: the process 4194305: no such process`)

	kill.At = at(3)
	require.NoError(t, ready([]scenario.Fault{kill, start}), "what is run before may start it")
}
