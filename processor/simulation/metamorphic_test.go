package simulation

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/channels"
	"holdfast/processor/intake"
	"holdfast/processor/inventory"
	"holdfast/processor/order"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Metamorphic runs: a stage's input is recorded, with the times that the log gave
// it, in a sale that nothing disturbs. Played again it must come to the same,
// however it is cut into transactions and whatever happens to who decides it:
//
//	sale, undisturbed ─> log.orders ─> one record a transaction, nothing goes wrong ─> output, state
//	                         │                                                            ║ the same
//	                         ├───────> batches, intervals, memtables, faults by seed ─> output, state
//	                         └───────> … by another seed                              ─> output, state
//
// No model is needed that says what is right. End to end this doesn't hold, as
// other batches rightly make other winners; there the audit's rules judge, in
// TestSimulation, whose seeds draw the same things.
var (
	sales = flag.Uint64("sales", 5, "how many recorded sales to play, each several times for every stage")
	plays = flag.Int("plays", 5, "how often to play each of them for every stage")
)

const recordedOrders = 30

func TestMetamorphic(t *testing.T) {
	seeds := seedsOf(*sales)
	cases := 0
	for _, sale := range seeds {
		logs := recordSale(t, sale)
		for _, name := range []string{topology.StageIntake, topology.StageOrders, topology.StageInventory, topology.StageChannels} {
			want := play(t, name, logs, sale, plainest)
			require.NotZero(t, len(want.output), name)
			for n := range *plays {
				seed := sale*1000 + uint64(n)
				have := play(t, name, logs, seed, disturbed)
				have.mustBe(t, want, fmt.Sprintf("%s, sale %d, played with seed %d (-run TestMetamorphic -seed=%d shows that sale alone)", name, sale, seed, sale))
				cases++
			}
		}
	}
	t.Logf("%d cases", cases)
}

// recorded is what one partition of a log holds.
type recorded map[processor.TopicPartition][]Input

// metamorphicStages do all that is due at once: where a chunk ends, a transaction
// ended, and what is left over is rightly decided later.
func metamorphicStages() Stages {
	names := []string{"shopee", "web"}
	orders := order.DefaultConfig()
	orders.KeepClosedMillis, orders.AcceptAgeMillis = 20_000, 20_000
	orders.MarketplaceHoldMillis, orders.DecideWithinMillis, orders.InboxMillis = 6_000, 3_000, 4_000
	orders.InboxEventsMax = 4
	return Stages{
		topology.StageIntake:    func(processor.TopicPartition) stage.Stage { return intake.New(intake.Config{Channels: names}) },
		topology.StageOrders:    func(processor.TopicPartition) stage.Stage { return order.New(orders) },
		topology.StageInventory: func(processor.TopicPartition) stage.Stage { return inventory.New(inventory.Config{}) },
		topology.StageChannels:  func(processor.TopicPartition) stage.Stage { return channels.New(channels.Config{Channels: names}) },
	}
}

// recordSale runs a sale that nothing disturbs and returns what was on its logs.
func recordSale(t *testing.T, seed uint64) recorded {
	t.Helper()
	s := New(seed, func(r *rand.Rand) Options {
		o := Draw(r).quiet()
		o.Instances, o.WorkersMax, o.Standbys, o.RoundsMin, o.InputPercent = 1, 1, 0, 0, 5
		return o
	}, metamorphicStages(), nil)
	s.Run(NewSale(seed, recordedOrders).Next)
	s.Stop()
	require.Empty(t, s.Failures())
	logs := recorded{}
	for _, l := range s.Broker.order {
		for o := l.firstVisible(0, l.end()); o < l.end(); o = l.firstVisible(o+1, l.end()) {
			e := &l.entries[o]
			logs[l.tp] = append(logs[l.tp], Input{Topic: l.short, Partition: int32(l.tp.Partition), Key: e.key, Value: e.value, Headers: e.headers, At: e.at})
		}
	}
	return logs
}

// plainest: one worker, one record in a transaction, and nothing goes wrong.
func plainest(r *rand.Rand) Options {
	o := disturbed(r).quiet()
	o.Instances, o.WorkersMax, o.Standbys, o.SkewMillis = 1, 1, 0, 0
	o.PollRecordsMax, o.BatchRecordMax, o.LateStart, o.InputPercent = 1, 1, 0, 50
	return o
}

func disturbed(r *rand.Rand) Options {
	o := Draw(r)
	o.RoundsMin, o.InputPercent = 0, []int{5, 20, 50}[r.IntN(3)]
	// Runs are short: what goes wrong must do so sooner.
	for _, p := range []*int{&o.CrashPermille, &o.FreezePermille, &o.StopPermille, &o.RebalancePermille, &o.GonePermille} {
		*p *= 4
	}
	return o
}

// played is what a stage made of its input.
type played struct {
	// output is what it wrote, in the order of each thing's own partition.
	output map[string][]string
	state  map[string]map[string][]byte // by task
}

// play lets a stage decide what was recorded of its input. Ticks are in there,
// so no others may come.
func play(t *testing.T, name string, logs recorded, seed uint64, options func(*rand.Rand) Options) *played {
	t.Helper()
	stages := Stages{name: metamorphicStages()[name]}
	s := New(seed, options, stages, nil)
	s.now = s.now.Add(time.Hour) // no record is ahead of a node's clock
	s.Broker.faults.Tick = func() TickFault { return TickLost }
	st := s.Topology.Stage(name)
	var inputs []Input
	for _, l := range s.Broker.order {
		if slices.Contains(st.Inputs, l.short) {
			inputs = append(inputs, logs[l.tp]...)
		}
	}
	slices.SortStableFunc(inputs, func(a, b Input) int { return cmp.Compare(a.At, b.At) })
	s.Run(feedOf(inputs))
	if name == topology.StageChannels {
		// A transaction of its own, in which all windows are over.
		var ticks []Input
		for p := range s.options.Partitions {
			ticks = append(ticks, Input{Topic: st.Log, Partition: p, Value: record.Tick(), At: inputs[len(inputs)-1].At + 10_000})
		}
		s.Run(feedOf(ticks))
	}
	s.Stop()
	require.Empty(t, s.Failures(), "%s, seed %d", name, seed)
	out := &played{output: map[string][]string{}, state: map[string]map[string][]byte{}}
	for _, l := range s.Broker.order {
		switch {
		case slices.Contains(st.Inputs, l.short):
			continue
		case s.Topology.Lookup(l.short).Role == topology.RoleChangelog:
			if l.end() > 0 {
				out.state[l.tp.Topic+fmt.Sprint(l.tp.Partition)] = s.stateOf(t, st, l)
			}
			continue
		}
		for o := l.firstVisible(0, l.end()); o < l.end(); o = l.firstVisible(o+1, l.end()) {
			out.add(t, s, l, &l.entries[o])
		}
	}
	return out
}

func feedOf(inputs []Input) Feed {
	return func(record.Millis) (in Input, ok bool) {
		if len(inputs) == 0 {
			return Input{}, false
		}
		in, inputs = inputs[0], inputs[1:]
		return in, true
	}
}

// stateOf restores a task from nothing.
func (s *Simulation) stateOf(t *testing.T, st *topology.Stage, l *partitionLog) map[string][]byte {
	t.Helper()
	store, err := state.Open(s.storeConfig(vfs.NewMem(), st, l.tp.Partition))
	require.NoError(t, err)
	defer store.Abandon()
	require.NoError(t, rollForward(store, l))
	have, err := contents(store)
	require.NoError(t, err)
	return have
}

// How outputs are compared.
const (
	inOrder   = "in order"  // each, in the order of what it came from
	anyOrder  = "any order" // each: several partitions write to one
	conflated = "conflated" // one a transaction: some of the plainest run's, in their order, and its last
	lastTold  = "last told" // one a window: the last says what the plainest run's last says
)

// add adds a record to what was written about a thing. Who wrote it is part of the
// thing: two partitions write to a third in any order.
func (p *played) add(t *testing.T, s *Simulation, l *partitionLog, e *entry) {
	t.Helper()
	add := func(how, about, text string) {
		id := fmt.Sprintf("%s: %s/%d %s", how, l.short, l.tp.Partition, about)
		p.output[id] = append(p.output[id], text)
	}
	switch {
	case s.slots[l.short] != nil:
		require.NoError(t, record.Entries(e.value, func(e record.Entry) error {
			how, source := inOrder, fmt.Sprintf("%s/%d", e.Origin.Topic, e.Origin.Partition)
			switch e.Kind {
			case record.KindCommand:
				var c record.Command
				require.NoError(t, c.Decode(e.Body))
				source = fmt.Sprint(s.slots[topology.LogOrders].Partition([]byte(c.OrderKey)))
			case record.KindDecision:
				var d record.Decision
				require.NoError(t, d.Decode(e.Body))
				source = fmt.Sprint(s.slots[topology.LogInventory].Partition([]byte(d.SKU)))
			case record.KindAvailability:
				sku, err := record.AvailabilitySKU(e.Body)
				require.NoError(t, err)
				how, source = conflated, "availability of "+string(sku)
			}
			add(how, fmt.Sprintf("%q from %s", e.Key, source), entryText(&e))
			return nil
		}))
	case l.short == topology.DeadLetters:
		add(anyOrder, "", fmt.Sprintf("%s %s", recordText(e.key, e.value), e.headers))
	case l.short == topology.StockEvents || strings.HasSuffix(l.short, ".stock"):
		// Versions and times are those of the windows.
		var told struct {
			record.StockUpdate
			Shop     string          `json:"shop"`
			Sellable record.Quantity `json:"sellable"`
		}
		require.NoError(t, json.Unmarshal(e.value, &told))
		told.Version, told.At = 0, 0
		add(lastTold, fmt.Sprintf("%q %s %s", e.key, told.Shop, told.Warehouse), fmt.Sprintf("%+v", told))
	default:
		add(inOrder, fmt.Sprintf("%q", e.key), recordText(e.key, e.value))
	}
}

// mustBe compares with the plainest run.
func (p *played) mustBe(t *testing.T, want *played, name string) {
	t.Helper()
	require.Equal(t, slices.Sorted(maps.Keys(want.output)), slices.Sorted(maps.Keys(p.output)), "%s: what was written about", name)
	for id, texts := range want.output {
		have := p.output[id]
		switch how, _, _ := strings.Cut(id, ":"); how {
		case conflated:
			require.Equal(t, texts[len(texts)-1], have[len(have)-1], "%s: the last of %s", name, id)
			rest := texts
			for _, h := range have {
				at := slices.Index(rest, h)
				require.GreaterOrEqual(t, at, 0, "%s: %s has %s, which the plainest run doesn't have, or not there", name, id, h)
				rest = rest[at+1:]
			}
		case lastTold:
			require.Equal(t, texts[len(texts)-1], have[len(have)-1], "%s: the last of %s", name, id)
		case anyOrder:
			slices.Sort(texts)
			slices.Sort(have)
			fallthrough
		default:
			require.Equal(t, texts, have, "%s: %s", name, id)
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(want.state)), slices.Sorted(maps.Keys(p.state)), "%s: tasks", name)
	for task, state := range want.state {
		require.Equal(t, ofTheInput(task, state), ofTheInput(task, p.state[task]), "%s: the state of %s", name, task)
	}
}

// ofTheInput returns the state without what hangs on where transactions ended:
// in channels which windows were opened, the versions told when they ended, and
// the numbers that warehouses were given as they were first met.
func ofTheInput(task string, state map[string][]byte) map[string]string {
	const item, window, queue, names = 'a', 'd', 'q', 'n'
	out := map[string]string{}
	for k, v := range state {
		switch {
		case !strings.Contains(task, topology.StageChannels):
			out[k] = string(v)
		case k[0] == window, k[0] == queue, k[0] == names:
		case k[0] == item:
			out[k] = "told"
		default:
			out[k] = string(v)
		}
	}
	return out
}
