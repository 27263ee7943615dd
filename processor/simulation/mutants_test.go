//go:build mutants

package simulation

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"
)

// mutant is a fault put into the code on purpose. Files are named from the
// root of the repository.
type mutant struct {
	name  string
	edits []edit
	// test finds it; "": the seeds.
	test string
}

type edit struct{ file, old, new string }

// TestMutants shows that the simulation is worth something: it finds each of
// these faults, and it prints with which seed, and by which rule.
func TestMutants(t *testing.T) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MUTANT\tFOUND AT\tBY\tCPU S")
	cpuSeconds := 0.0
	for _, m := range slices.Concat(loopMutants, stateMutants, stageMutants, clientMutants) {
		t.Run(strings.ReplaceAll(m.name, " ", "_"), func(t *testing.T) {
			out, cpu, err := runMutant(t, m)
			cpuSeconds += cpu
			require.Error(t, err, "%s: not found in %d seeds", m.name, mutantSeedsMax)
			if m.test != "" {
				require.Contains(t, out, "--- FAIL: "+m.test+" ", "found, but not by it")
			}
			at, by := m.test, ""
			if found := firstSeed.FindStringSubmatch(out); found != nil {
				at, by = strings.TrimSpace("seed "+found[1]+" "+m.test), found[2]
			} else if m.test == "" {
				require.FailNow(t, "the run failed, but no seed did", out)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%.1f\n", m.name, at, by, cpu)
			t.Logf("%s %s", at, by)
		})
	}
	_ = table.Flush()
	fmt.Printf("%.0f s of CPU\n", cpuSeconds)
}

// mutantSeedsMax is within how many seeds a mutant must be found. All but a few
// show within fifty.
const mutantSeedsMax = 1000

// firstSeed is how runSeeds tells of a seed, and of the rule that it broke first.
var firstSeed = regexp.MustCompile(`seed (\d+): (\w+): `)

// runMutant runs the simulation over the mutated files; the ones on disk stay
// as they are.
func runMutant(t *testing.T, m mutant) (output string, cpuSeconds float64, err error) {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for _, e := range m.edits {
		original := filepath.Join(root, e.file)
		mutated := filepath.Join(dir, strings.ReplaceAll(e.file, "/", "-"))
		from := mutated
		if overlay.Replace[original] == "" {
			from = original
		}
		text, err := os.ReadFile(from)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(text), e.old), "%s must hold exactly once, for the mutant to be made:\n%s", e.file, e.old)
		require.NoError(t, os.WriteFile(mutated, []byte(strings.Replace(string(text), e.old, e.new, 1)), 0o600))
		overlay.Replace[original] = mutated
	}
	file := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(overlay)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	test := m.test
	if test == "" {
		test = "TestSimulation"
	}
	// Without symbols for a debugger linking takes half of the time.
	run := exec.Command("go", "test", "-count=1", "-vet=off", "-timeout=10m", "-ldflags=-s -w", "-overlay="+file,
		"-run=^"+test+"$", ".", fmt.Sprintf("-seeds=%d", mutantSeedsMax))
	text, err = run.CombinedOutput()
	used := run.ProcessState
	return string(text), (used.UserTime() + used.SystemTime()).Seconds(), err
}
