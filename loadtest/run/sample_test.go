package run

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
	"holdfast/topology"
)

// What a node of ours and any other Prometheus client write.
func TestParseMetrics(t *testing.T) {
	values, err := parseMetrics(strings.NewReader(`# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 3.145728e+06
go_goroutines 42 1700000000000
go_goroutines_of_others{stage="x"} 7
process_open_fds NaN
process_max_fds 1e6
`))
	require.NoError(t, err)
	require.Equal(t, []float64{3, report.Unknown, 42, report.Unknown}, values)
	_, err = parseMetrics(strings.NewReader(strings.Repeat("x", 2*mib)))
	require.Error(t, err)
}

// stepClock goes on a second with each sleep, and ends what sleeps at the end.
type stepClock struct {
	at, end time.Duration
	cancel  context.CancelFunc
}

func (c *stepClock) now() time.Duration { return c.at }

func (c *stepClock) sleep(_ context.Context, d time.Duration) error {
	if c.at += d; c.at >= c.end {
		c.cancel()
	}
	return nil
}

// A node that is dead for some seconds leaves a gap of as many, and what came
// before and after stands at its second.
func TestSamplesHaveGaps(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1); {
		case r.URL.Path != "/metrics":
			w.WriteHeader(http.StatusNotFound)
		case n == 2 || n == 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("go_goroutines " + string('0'+byte(n)) + "\nprocess_open_fds 9\n"))
		}
	}))
	defer server.Close()
	s := newSamples(&scenario.Scenario{Nodes: []scenario.Node{{Name: "a", Metrics: strings.TrimPrefix(server.URL, "http://")}}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.start(ctx, &stepClock{end: 5 * time.Second, cancel: cancel})
	s.wg.Wait()
	s.stop()
	series := map[string][]float64{}
	for _, one := range s.series(6) {
		series[one.Name] = one.Points
	}
	const no = report.Unknown
	require.Equal(t, map[string][]float64{
		"memory a": {no, no, no, no, no, no}, "heap a": {no, no, no, no, no, no},
		"goroutines a": {1, no, no, 4, 5, no}, "descriptors a": {9, no, no, 9, 9, no},
	}, series)
}

// A second that was looked at twice keeps its first value; one that nobody looked
// at has none.
func TestSampleNote(t *testing.T) {
	src := &source{points: make([][]float64, 1)}
	for _, one := range []struct {
		at    time.Duration
		value float64
	}{{0, 1}, {900 * time.Millisecond, 2}, {3500 * time.Millisecond, 3}} {
		src.note(one.at, []float64{one.value})
	}
	require.Equal(t, []float64{1, report.Unknown, report.Unknown, 3}, src.points[0])
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "x", "y"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), make([]byte, 1000), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x", "y", "b"), make([]byte, 24), 0o600))
	require.EqualValues(t, 1024, directory(dir))
	require.Zero(t, directory(filepath.Join(dir, "none")))
}

func TestBrokerDisk(t *testing.T) {
	topo, err := topology.New(topology.Default())
	require.NoError(t, err)
	size := func(topics map[string]int64) kadm.DescribedLogDir {
		d := kadm.DescribedLogDir{Topics: kadm.DescribedLogDirTopics{}}
		for name, bytes := range topics {
			d.Topics[name] = map[int32]kadm.DescribedLogDirPartition{0: {Topic: name, Size: bytes}}
		}
		return d
	}
	values, err := diskOf(kadm.DescribedAllLogDirs{
		1: {"/a": size(map[string]int64{topo.Name("changelog.orders"): mib, topo.Name("log.orders"): 2 * mib, topo.Name("stock.feed"): mib / 2, "others": mib})},
		2: {"/a": size(map[string]int64{topo.Name("changelog.orders"): mib, topo.Name("dlq"): mib})},
	}, topo)
	require.NoError(t, err)
	require.Equal(t, []float64{2, 2, 1.5}, values)
	_, err = diskOf(kadm.DescribedAllLogDirs{1: {"/a": {Err: os.ErrPermission}}}, topo)
	require.ErrorIs(t, err, os.ErrPermission)
}

// Medians of the second and the last fifth: neither the first minutes nor the
// seconds of a fault are in them.
func TestGrowth(t *testing.T) {
	points := make([]float64, 0, 60)
	for i := range 50 {
		switch {
		case i < 10:
			points = append(points, float64(i))
		case i%10 < 2: // just started
			points = append(points, 1)
		case i%10 < 4:
			points = append(points, report.Unknown)
		default:
			points = append(points, 100+float64(i/10))
		}
	}
	points = append(points, 900, 900, 900, 900) // draining
	s := &samples{sources: []*source{{names: []string{"memory a"}, units: []string{"MiB"}, points: [][]float64{points}}}}
	require.Equal(t, []report.Growth{{Name: "memory a", Unit: "MiB", Then: 101, Now: 104}}, s.growth(50*time.Second))
	require.Equal(t, report.Growth{Name: "memory a", Unit: "MiB", Then: report.Unknown, Now: report.Unknown}, s.growth(20 * time.Second)[0], "fifths of four seconds")
	require.EqualValues(t, report.Unknown, s.growth(100 * time.Second)[0].Now, "it ended before")
}
