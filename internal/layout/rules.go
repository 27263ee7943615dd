package layout

// Folder is what one folder may import of ours, by paths below the module.
type Folder struct {
	Imports     []string // in every file
	TestImports []string // in test files, beside Imports
	All         bool     // whatever there is: the wiring
	Pure        bool     // decisions: no clock, no machine, no randomness, no goroutines
}

// Folders is the import direction. Each leaf knows none of ours; the run time
// knows stages only through processor/stage; the auditor shares no decision
// code with what it audits.
func Folders() map[string]Folder {
	// A test of what sits on Kafka starts the embedded broker, and runs a
	// stage of its own over it.
	broker := []string{"processor/kafka", "processor/kafka/embedded"}
	return map[string]Folder{
		"topology":             {TestImports: []string{"internal/golden"}},
		"topology/record":      {Imports: []string{"topology/record/pack"}, TestImports: []string{"internal/golden"}},
		"topology/record/pack": {},
		"topology/schema":      {TestImports: []string{"topology/record"}},
		"state":                {TestImports: []string{"internal/golden"}},

		"processor/stage":           {Imports: []string{"topology/record"}, Pure: true},
		"processor/placement":       {TestImports: []string{"internal/golden"}},
		"processor/stage/stagetest": {Imports: []string{"processor/stage", "topology/record"}},
		"processor/inventory":       pureStage(),
		"processor/order":           pureStage(),
		"processor/channels":        pureStage(),
		"processor/intake":          pureStage(),

		"processor": {
			Imports:     []string{"processor/placement", "processor/stage", "state", "topology", "topology/record"},
			TestImports: append([]string{"processor/stage/stagetest"}, broker...),
		},
		"processor/kafka": {
			Imports:     []string{"processor", "processor/placement", "processor/stage", "topology", "topology/record"},
			TestImports: append([]string{"state"}, broker...),
		},
		"processor/metrics": {
			Imports:     []string{"processor", "processor/stage", "state", "topology/record"},
			TestImports: append([]string{"topology"}, broker...),
		},
		"processor/kafka/embedded": {
			Imports: []string{"topology"},
		},
		// The simulation runs the whole topology, so it sees everything below
		// cmd; it doesn't see Kafka, except in the tests that run it over the
		// embedded broker.
		"processor/simulation": {
			Imports: []string{
				"channel/shopee", "channel/shopify", "loadtest", "loadtest/audit",
				"processor", "processor/channels", "processor/intake", "processor/inventory", "processor/order",
				"processor/stage", "processor/stage/stagetest", "state", "topology", "topology/record",
			},
			TestImports: broker,
		},

		"channel/shopee":  {Imports: []string{"topology/record"}},
		"channel/shopify": {Imports: []string{"topology/record"}},

		"loadtest/report":  {TestImports: []string{"internal/golden"}},
		"loadtest/sale":    {Imports: []string{"topology", "topology/record"}},
		"loadtest/explain": {Imports: []string{"loadtest/audit", "topology", "topology/record"}},
		"loadtest/bench": {
			Imports:     []string{"processor", "processor/inventory", "processor/kafka", "processor/stage", "state", "topology", "topology/record"},
			TestImports: broker,
		},
		// A command that runs others and reads what they print.
		"loadtest/peers": {},
		"loadtest/drill": {},
		// It writes and reads records of the internal logs, and runs others.
		"loadtest/takeover": {Imports: []string{"topology", "topology/record"}},
		"loadtest/ledger":   {Imports: []string{"loadtest/audit", "topology", "topology/record"}},
		// The run time with one stage over a log of its own, so no Kafka.
		"loadtest/closing": {Imports: []string{"processor", "processor/inventory", "processor/stage", "state", "topology", "topology/record"}},
		// A rehearsal from outside: it sees records and offsets. What it runs and
		// what it writes are leaves.
		"loadtest/scenario":  {Imports: []string{"loadtest/sale", "topology"}},
		"loadtest/scenarios": {},
		"loadtest/run":       {Imports: []string{"loadtest/report", "loadtest/sale", "loadtest/scenario", "topology", "topology/record"}},
		"loadtest":           {Imports: []string{"topology", "topology/record"}},
		"loadtest/audit":     {Imports: []string{"topology", "topology/record"}, TestImports: []string{"internal/golden"}},

		"cmd/holdfast":    {All: true},
		"internal/layout": {},
		"internal/golden": {}, // for tests

		// A module of its own, with a parser that only its tests need.
		"deploy/grafana": {},
	}
}

// pureStage: a stage's tests may run it together with the others, by hand.
func pureStage() Folder {
	return Folder{
		Imports: []string{"processor/stage", "topology/record", "topology/record/pack"},
		TestImports: []string{
			"internal/golden", "processor/channels", "processor/intake", "processor/inventory", "processor/order", "processor/stage/stagetest",
		},
		Pure: true,
	}
}

// impure lists what a pure folder must not import, with everything below it,
// and why.
func impure() map[string]string {
	return map[string]string{
		"time":                          "decisions are replayed: take the time from the log",
		"os":                            "decisions are replayed: what isn't in the log or in the state can't be read",
		"math/rand":                     "decisions are replayed: derive what has to differ from the record",
		"crypto/rand":                   "decisions are replayed: derive ids from channel, order and line",
		"net":                           "a decision talks to nobody",
		"sync":                          "a task has one goroutine at a time",
		"github.com/twmb/franz-go":      "stages don't know Kafka",
		"github.com/cockroachdb/pebble": "stages don't know the store",
	}
}
