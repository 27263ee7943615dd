package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--port", "0", "--only", "("}, []string{"--port 0", "--only: "}},
		{[]string{"kill-node"}, []string{"kill-node: no such argument"}},
		{[]string{"--only", "nothing-like-this"}, []string{"no drill has such a name"}},
		{[]string{"--nonsense"}, []string{"-nonsense"}},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 2, run(t.Context(), c.args, &out, &errs), c.args)
		for _, want := range c.want {
			require.Contains(t, errs.String(), want)
		}
		require.Empty(t, out.String())
	}
}

func TestReport(t *testing.T) {
	r := Report{Results: []Result{
		{Name: "one", Fault: "f", Expected: "e", How: "drill one", Passed: true, Measured: []Measure{{"again", 1.25, 15}, {"told", 3, 0}}, Seconds: 20},
		{Name: "two", Fault: "g", Expected: "e", How: "drill two", Reason: "because", Dir: "there"},
	}}
	require.Equal(t, 1, r.failed())
	var out bytes.Buffer
	require.NoError(t, r.write(&out))
	text := strings.Join(strings.Fields(out.String()), " ")
	require.Contains(t, text, "| f | e | drill one | pass (again: 1.2 s of 15 s; told: 3.0 s) | 20 s |")
	require.Contains(t, text, "| g | e | drill two | FAIL | 0 s |")
	require.Contains(t, text, "two FAILED: because (see there)")
	require.Contains(t, text, "1 of 2 drills passed")
}
