package audit

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// cutAnywhere sets a cut as it can be captured of a running system: what each
// group has committed of a partition is from about one moment; the ends are from
// later ones, in the groups of CaptureOrder.
// All effects of a cause are in the logs before the next thing begins, so ends
// after that moment hold the effects of all that was committed.
func (t *toy) cutAnywhere(rnd *rand.Rand) {
	moment := rnd.IntN(len(t.facts))
	i := sort.SearchInts(t.begins, moment+1)
	whole := len(t.facts)
	if i < len(t.begins) {
		whole = t.begins[i]
	}
	var topics []string
	for tp := range t.next {
		t.cut.Committed[tp] = t.offsetAt(tp, moment-rnd.IntN(60))
		if !slices.Contains(topics, tp.Topic) {
			topics = append(topics, tp.Topic)
		}
	}
	end := whole
	for _, group := range CaptureOrder(topics) {
		latest := end
		for tp := range t.next {
			if slices.Contains(group, tp.Topic) {
				at := min(len(t.facts), end+rnd.IntN(100))
				t.cut.Ends[tp] = t.offsetAt(tp, at)
				latest = max(latest, at)
			}
		}
		end = latest
	}
}

// offsetAt returns the end of a partition as of a moment.
func (t *toy) offsetAt(tp TopicPartition, moment int) record.Offset {
	for i := min(moment, len(t.facts)) - 1; i >= 0; i-- {
		if t.facts[i].TopicPartition == tp {
			return t.facts[i].offset + 1
		}
	}
	return 0
}

func TestAnyCutPasses(t *testing.T) {
	flying := int64(0)
	for seed := range uint64(150) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		b := randomSale(seed%10, 400, 12)
		b.cutAnywhere(rnd)
		r, err := b.audit(byTopic(rnd))
		require.NoError(t, err, "seed %d", seed)
		require.Equal(t, Pass, r.Verdict, "seed %d: %+v", seed, r.Violations)
		flying += r.InFlight
	}
	require.Positive(t, flying)
}

// A hole in a chain is a fault where the command after it is below the cut, and
// in flight where it isn't.
func TestHoleAtTheCut(t *testing.T) {
	spoiled := func() (*toy, TopicPartition, record.Offset) {
		b := story()
		b.config.Settled = false
		_, f := b.decision(0, isReserve("web/main/W-2"))
		b.remove(f)
		c := b.find(0, func(f *fact) bool { return f.command() != nil && f.command().OrderKey == "web/main/W-2" })
		return b, c.TopicPartition, c.offset
	}
	b, _, _ := spoiled()
	r, err := b.audit(nil)
	require.NoError(t, err)
	require.Contains(t, r.ViolationsByRule, RuleNotConserved)

	b, tp, offset := spoiled()
	b.cut.Committed[tp] = offset
	r, err = b.audit(nil)
	require.NoError(t, err)
	require.NotContains(t, r.ViolationsByRule, RuleNotConserved)
	require.Positive(t, r.InFlight)
}

func TestRecordsBeyondTheEndsAreLeftOut(t *testing.T) {
	b := story()
	b.config.Settled = false
	for tp := range b.next {
		b.cut.Committed[tp], b.cut.Ends[tp] = 0, 0
	}
	r, err := b.audit(nil)
	requirePass(t, r, err)
	require.Zero(t, r.Records)
}

// A trimmed log is opened with the counters that it begins with.
func TestTrimmedLogs(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		b := randomSale(seed%10, 600, 6)
		b.config.Settled = true
		moment := rnd.IntN(len(b.facts))
		for _, tp := range []TopicPartition{{"log.orders", 0}, {"log.orders", 1}, {"log.inventory", 0}, {"log.inventory", 1}, {"log.availability", 0}, {"log.availability", 1}} {
			b.cut.Starts[tp] = b.offsetAt(tp, moment+rnd.IntN(100))
		}
		if seed%2 == 0 {
			o := b.create(fmt.Sprintf("web/main/oversold-%d", seed), true, map[string]record.Quantity{"SKU-0": 1})
			d := &record.Decision{Verb: record.VerbFill, Outcome: record.OutcomeGranted, OrderKey: record.OrderKey(o.key), SKU: "SKU-0", Attempt: 1, Allocated: true, Requested: 10_000}
			b.move(d, "HCM-1", 10_000, record.Counters{Allocated: 10_000})
			b.decide("log.orders", o.key, o.origin, d)
		}
		r, err := b.audit(nil)
		require.NoError(t, err)
		if seed%2 == 0 {
			require.Contains(t, r.ViolationsByRule, RuleOversold, "seed %d", seed)
		} else {
			require.Equal(t, Pass, r.Verdict, "seed %d: %+v", seed, r.Violations)
		}
		require.NotZero(t, r.VouchesFrom)
	}
}

// trimmedStory is a sale of which the logs have lost a part, and minutes later
// the story that doctors know.
func trimmedStory(seed uint64) *toy {
	rnd := rand.New(rand.NewPCG(seed, 6))
	b := randomSale(seed, 200, 6)
	moment := len(b.facts)/4 + rnd.IntN(len(b.facts)/4)
	logs := slices.SortedFunc(maps.Keys(b.next), func(x, y TopicPartition) int {
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	})
	for _, tp := range logs {
		if roleOf(tp.Topic).isLog() {
			b.cut.Starts[tp] = b.offsetAt(tp, moment+rnd.IntN(60))
		}
	}
	b.workOff()
	b.clock += 2 * trimSlack
	b.workOff()
	b.from = len(b.facts)
	return b.story()
}

func TestTrimmedStoryPasses(t *testing.T) {
	for seed := range uint64(200) {
		r, err := trimmedStory(seed).audit(byTopic(rand.New(rand.NewPCG(seed, 7))))
		require.NoError(t, err)
		require.Equal(t, Pass, r.Verdict, "seed %d: %+v", seed, r.Violations)
	}
}

// What is wrong after the cut is found, but for what only whole logs can tell.
func TestDoctoredLogsFailAfterATrim(t *testing.T) {
	found := map[Rule]int{}
	for i, doctor := range doctors {
		b := trimmedStory(uint64(i))
		doctor.spoil(b)
		r, err := b.audit(nil)
		require.NoError(t, err)
		if r.ViolationsByRule[doctor.rule] > 0 {
			found[doctor.rule]++
		} else {
			t.Logf("not found: %s (%s)", doctor.name, doctor.rule)
		}
	}
	for _, rule := range Rules {
		require.Positive(t, found[rule], rule)
	}
}
