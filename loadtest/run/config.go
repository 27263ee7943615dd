package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
	"holdfast/topology"
)

// System is what is rehearsed with, and what its own commands know how to do.
type System struct {
	Client   *kgo.Client // for requests about offsets
	Options  []kgo.Opt   // to make clients with
	Topology *topology.Topology
	// Settle returns when nothing is left to do; progress is told how many
	// records are, and may be nil.
	Settle func(ctx context.Context, progress func(lag int64)) error
	// Audit audits a settled system.
	Audit func(ctx context.Context) (*report.Audit, error)
}

// Config is one run.
type Config struct {
	Scenario *scenario.Scenario
	System   System
	// Run is part of the names of its orders and SKUs: two runs of one scenario
	// on one system need different ones. Letters and digits.
	Run string
	// Progress is told some times a second how it goes; nil: nobody is.
	Progress func(Progress)
}

// Progress is how it goes.
type Progress struct {
	Step     string        // "loading stock", a phase's name, "draining", "auditing"
	At, End  time.Duration // of the load; End 0: it isn't the load
	Rate     float64       // orders a second, as intended
	Sent     int64         // orders
	Answered int64
	P99      time.Duration // of the first answer, so far
	Lag      int64         // records, all stages; -1: not known
	Behind   time.Duration // of the generator, since the last time
	Errors   int64         // dead letters, and records that couldn't be sent
}

// validate returns what the system lacks for the scenario, and why its faults
// couldn't be done.
func (c *Config) validate() error {
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(c.Scenario.Channels)) {
		if c.Scenario.Channels[name] > 0 && c.System.Topology.Lookup(topology.ChannelOrders(name)) == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the scenario sells on channels that the system doesn't have: %s (change the scenario's channels, or the system's)", strings.Join(missing, " "))
	}
	return ready(c.Scenario.Schedule())
}
