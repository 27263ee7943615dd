package closing

import (
	"context"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/state"
	"holdfast/topology"
)

// reservationsVariable asks for the full run.
const reservationsVariable = "HOLDFAST_CLOSING_RESERVATIONS"

// small is a run of a few seconds. Its state is some thirty times smaller than
// the full run's, and so are the sizes that a store works with; with those of
// production the log would be over before a store has flushed for the first time.
func small(t *testing.T) Config {
	c := Default()
	c.Dir = t.TempDir()
	c.Reservations, c.SKUs, c.CloseAfter = 60_000, 1_000, 5_000
	c.LinesPerPoll = 100
	c.Store.LogBytesMin = 32 << 10
	c.Store.MemTableBytes, c.Store.FlushBytes = 256<<10, 128<<10
	return c
}

func TestChangelogStaysShort(t *testing.T) {
	c := small(t)
	if v := os.Getenv(reservationsVariable); v != "" {
		n, err := strconv.Atoi(v)
		require.NoError(t, err, reservationsVariable)
		c = Default()
		c.Dir, c.Reservations = t.TempDir(), n
	}
	r, err := Run(context.Background(), c)
	t.Logf("seed %d: %+v", c.Seed, r)
	require.NoError(t, err)
	require.Equal(t, int64(c.Reservations), r.Shipped+r.Released+r.Open)
	require.InDelta(t, 0.05, float64(r.Open)/float64(c.Reservations), 0.01, "most are closed on the way")
	require.LessOrEqual(t, r.PeakRatio, 1.0)
	require.Greater(t, r.Trims, int64(10), "too few rounds to show anything")
	require.Greater(t, r.ChangelogWritten, 4*r.ChangelogPeak*int64(c.Partitions), "too little was written to show anything")
	require.Equal(t, r.ChangelogEnd, r.RestoreBytes, "what is left of the log is all that a restore read")
}

// What a store has forgotten costs nothing: speed and size on disk are the same after any number of orders that are over.
// The first tenth isn't looked at, in which the state comes about. A run of ten million orders takes some minutes:
//
//	HOLDFAST_CLOSING_RESERVATIONS=10000000 go test -run '^$' -bench ClosedOrders -benchtime 1x -timeout 30m ./loadtest/closing
func BenchmarkClosedOrders(b *testing.B) {
	n := 200_000
	if v := os.Getenv(reservationsVariable); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(b, err, reservationsVariable)
	}
	for b.Loop() {
		c := Default()
		c.Dir, c.Reservations = b.TempDir(), n
		c.ShipPercent, c.ReleasePercent = 95, 5
		r, err := Run(context.Background(), c)
		require.NoError(b, err)
		require.Len(b, r.Marks, marks)
		perCPUSecond := func(from, to int) float64 {
			return float64(r.Marks[to].Lines-r.Marks[from].Lines) / (r.Marks[to].CPUSeconds - r.Marks[from].CPUSeconds)
		}
		early, late := perCPUSecond(0, 2), perCPUSecond(marks-3, marks-1)
		b.ReportMetric(early, "early-lines/cpu-s")
		b.ReportMetric(late, "late-lines/cpu-s")
		b.ReportMetric(late/early, "late/early")
		var first, last int64 // a store breathes: the largest of some moments
		for i := 1; i <= 3; i++ {
			first, last = max(first, r.Marks[i].StoreBytes), max(last, r.Marks[marks-i].StoreBytes)
		}
		b.ReportMetric(float64(first)/(1<<20), "early-store-MiB")
		b.ReportMetric(float64(last)/(1<<20), "late-store-MiB")
	}
}

// Stores that hardly sweep must be found out by the bound of those that do.
func TestChangelogThatIsNotSweptIsTooLong(t *testing.T) {
	c := small(t)
	c.BoundShare = c.Store.SweepShare
	c.Store.SweepShare = 1e-6
	r, err := Run(context.Background(), c)
	var tooLong *TooLongError
	require.ErrorAs(t, err, &tooLong)
	t.Log(err)
	require.Zero(t, r.Trims)
	require.Less(t, r.Reservations, int64(c.Reservations), "the run went on")
}

// A restore that hasn't all it needs must be found out, be it that a delta is
// missing or that the log was trimmed too far.
func TestRestoreThatMissesSomethingFails(t *testing.T) {
	c := small(t)
	c.Reservations, c.CloseAfter = 20_000, 5_000 // much stays open: no round of the sweep fits into a few deltas
	r, err := newRun(&c)
	require.NoError(t, err)
	require.NoError(t, r.decide(context.Background()))

	changelog := r.log.of(topology.Changelog(topology.StageInventory), 0)
	require.Positive(t, changelog.start, "nothing was trimmed")
	require.Greater(t, len(changelog.entries), 20)
	middle := len(changelog.entries) / 2 / 2 * 2 // even: a delta, and its marker behind it
	require.False(t, changelog.entries[middle].control)
	changelog.entries[middle].control = true
	_, err = r.restore(context.Background(), 0)
	require.ErrorContains(t, err, "a delta is missing")

	changelog = r.log.of(topology.Changelog(topology.StageInventory), 1)
	changelog.trim(changelog.end() - 4)
	_, err = r.restore(context.Background(), 1)
	require.ErrorContains(t, err, "it started within the changelog")
}

// The judge measures the state with a pencil of its own; it must be the one that
// deltas are written with.
func TestEntryBytes(t *testing.T) {
	for _, c := range []struct{ key, value, want int }{
		{1, 0, 3}, {63, 127, 192}, {64, 127, 194}, {64, 128, 196}, {8191, 16383, 24578}, {8192, 16384, 24582},
	} {
		require.Equal(t, int64(c.want), entryBytes(make([]byte, c.key), make([]byte, c.value)), "%+v", c)
	}
}

func TestConfigReportsEverything(t *testing.T) {
	c := Config{Store: state.Config{SweepShare: 2}, BoundShare: -1}
	err := c.Validate()
	for _, want := range []string{"directory", "partitions", "reservations", "SKUs", "zipf", "close after", "lines per poll", "sweep share", "log bytes min", "bound"} {
		require.ErrorContains(t, err, want)
	}
	c = Default()
	c.Dir = t.TempDir()
	require.NoError(t, c.Validate())
}
