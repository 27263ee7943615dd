package simulation

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"holdfast/topology/record"
)

// Summary is what many runs came to.
type Summary struct {
	From    uint64 `json:"from"`
	Asked   uint64 `json:"seeds_asked"`
	Seeds   uint64 `json:"seeds"` // that were run
	Verdict string `json:"verdict"`
	// Violations are those of the lowest seed that failed.
	Violations []Failure `json:"violations"`
	FailedSeed uint64    `json:"failed_seed,omitzero"`
	Replay     string    `json:"replay,omitempty"` // the command that shows that run again

	Workers          int     `json:"workers"`
	Seconds          float64 `json:"seconds"`
	SimulatedSeconds float64 `json:"simulated_seconds"`

	Committed  int `json:"transactions_committed"`
	Aborted    int `json:"transactions_aborted"`
	Rebalances int `json:"rebalances"`
	Trims      int `json:"log_start_moves"`
	Fenced     int `json:"transactions_ended_for_the_gone"`

	Crashes   int            `json:"crashes"`
	Freezes   int            `json:"freezes"`
	Twins     int            `json:"twins"` // of the frozen: somebody else began as the same instance meanwhile
	Stops     int            `json:"stops"`
	Wiped     int            `json:"stores_begun_anew"`
	Faults    map[string]int `json:"faults"`
	CrashedAt map[string]int `json:"crashes_by_point"`

	Orders         int             `json:"orders"`
	Decisions      int64           `json:"decisions"`
	Movements      int64           `json:"movements"`
	UnitsAllocated record.Quantity `json:"units_allocated"`
	UnitsShipped   record.Quantity `json:"units_shipped"`
	UnitsOversold  record.Quantity `json:"oversold_units"`
}

// The verdicts.
const (
	Pass = "pass"
	Fail = "fail"
)

// Add adds a run.
func (s *Summary) Add(o *Outcome) {
	s.Seeds++
	if s.Verdict == "" {
		s.Verdict, s.Violations = Pass, []Failure{}
		s.Faults, s.CrashedAt = map[string]int{}, map[string]int{}
	}
	if len(o.Failures) > 0 && (s.Verdict == Pass || o.Seed < s.FailedSeed) {
		s.Verdict, s.FailedSeed, s.Violations = Fail, o.Seed, o.Failures
	}
	s.SimulatedSeconds += o.Seconds
	s.Committed += o.Committed
	s.Aborted += o.Aborted
	s.Rebalances += o.Rebalances
	s.Trims += o.Trims
	s.Fenced += o.Fenced
	s.Crashes += o.Stats.Crashes
	s.Freezes += o.Stats.Freezes
	s.Twins += o.Stats.Twins
	s.Stops += o.Stats.Stops
	s.Wiped += o.Stats.Wiped
	for kind, n := range o.Faults {
		s.Faults[kind] += n
	}
	for point, n := range o.Crashed {
		s.CrashedAt[point] += n
	}
	if r := o.Report; r != nil {
		s.Orders += r.Orders
		s.Decisions += r.Decisions
		s.Movements += r.Movements
		s.UnitsAllocated += r.UnitsAllocated
		s.UnitsShipped += r.UnitsShipped
		s.UnitsOversold += r.OversoldUnits
	}
}

// WriteText writes the summary for people.
func (s *Summary) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d seeds from %d in %.0f s (%d at a time), %.1f hours of their own time\n",
		s.Seeds, s.Asked, s.From, s.Seconds, s.Workers, s.SimulatedSeconds/3600)
	fmt.Fprintf(&b, "  decided        %d orders, %d decisions, %d movements; %d units allocated, %d shipped, %d oversold\n",
		s.Orders, s.Decisions, s.Movements, s.UnitsAllocated, s.UnitsShipped, s.UnitsOversold)
	fmt.Fprintf(&b, "  transactions   %d committed, %d aborted, %d of them by others, as their members were gone\n", s.Committed, s.Aborted, s.Fenced)
	fmt.Fprintf(&b, "  groups         %d rebalances\n", s.Rebalances)
	fmt.Fprintf(&b, "  processes      %d crashes, %d freezes (%d with somebody in their place), %d stops\n", s.Crashes, s.Freezes, s.Twins, s.Stops)
	fmt.Fprintf(&b, "  stores         %d begun anew behind a moved log start; %d moves\n", s.Wiped, s.Trims)
	writeCounts(&b, "faults", s.Faults)
	writeCounts(&b, "crashes at", s.CrashedAt)
	if s.Verdict == Fail {
		fmt.Fprintf(&b, "FAIL  seed %d breaks a rule:\n", s.FailedSeed)
		for _, f := range s.Violations {
			fmt.Fprintf(&b, "  %s\n", f)
		}
		fmt.Fprintf(&b, "to see it again: %s\n", s.Replay)
	} else {
		fmt.Fprintf(&b, "PASS  no rule broken\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeCounts writes counts by kind, the largest first.
func writeCounts(b *strings.Builder, title string, counts map[string]int) {
	kinds := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(kinds, func(x, y string) int { return counts[y] - counts[x] })
	for _, kind := range kinds {
		fmt.Fprintf(b, "  %-14s %8d  %s\n", title, counts[kind], kind)
		title = ""
	}
}
