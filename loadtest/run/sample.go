package run

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
	"holdfast/topology"
)

const (
	sampleEvery = time.Second
	// sampleTimeout: a process that was stopped accepts connections and says
	// nothing. Its next second is to be asked about all the same.
	sampleTimeout = 900 * time.Millisecond
	// brokerTimeout: a broker that is away is asked again later.
	brokerTimeout   = 3 * time.Second
	metricsBytesMax = 8 << 20
	mib             = 1 << 20
)

// samples are what processes use, by second: of nodes by their metrics and their
// data directories, of brokers by what they tell of their disks. A node that is
// dead, stopped or away leaves a gap.
type samples struct {
	sources []*source
	client  *http.Client
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

// source is asked by a goroutine of its own, so that one that doesn't answer
// holds up no other.
type source struct {
	names  []string // of its series
	units  []string
	ask    func(ctx context.Context) ([]float64, error) // a value for each name
	points [][]float64
}

func newSamples(s *scenario.Scenario, system *System) *samples {
	all := &samples{client: &http.Client{Timeout: sampleTimeout}}
	for i := range s.Nodes {
		n := &s.Nodes[i]
		src := &source{}
		for _, m := range nodeMetrics() {
			src.names, src.units = append(src.names, m.series+n.Name), append(src.units, m.unit)
		}
		url := n.URL()
		src.ask = func(ctx context.Context) ([]float64, error) { return scrape(ctx, all.client, url) }
		all.sources = append(all.sources, src)
		if dir := n.DataDir; dir != "" {
			all.sources = append(all.sources, &source{names: []string{report.SeriesDiskPrefix + n.Name}, units: []string{"MiB"},
				ask: func(context.Context) ([]float64, error) { return []float64{float64(directory(dir)) / mib}, nil }})
		}
	}
	if s.BrokerDisk {
		src := &source{}
		for _, k := range topicKinds() {
			src.names, src.units = append(src.names, report.SeriesBrokerPrefix+k), append(src.units, "MiB")
		}
		src.ask = func(ctx context.Context) ([]float64, error) { return brokerDisk(ctx, system) }
		all.sources = append(all.sources, src)
	}
	for _, src := range all.sources {
		src.points = make([][]float64, len(src.names))
	}
	return all
}

// start asks until stop.
func (s *samples) start(ctx context.Context, c clock) {
	ctx, s.cancel = context.WithCancel(ctx)
	for _, src := range s.sources {
		s.wg.Go(func() {
			for ctx.Err() == nil {
				at := c.now()
				values, err := src.ask(ctx)
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					values = nil
				}
				src.note(at, values)
				//nolint:errcheck // the loop asks for itself
				c.sleep(ctx, at.Truncate(sampleEvery)+sampleEvery-c.now())
			}
		})
	}
}

func (s *samples) stop() {
	s.cancel()
	s.wg.Wait()
	s.client.CloseIdleConnections()
}

// note keeps the values of a second; nil: nothing is known of it.
func (src *source) note(at time.Duration, values []float64) {
	for i := range src.points {
		for len(src.points[i]) < second(at) {
			src.points[i] = append(src.points[i], report.Unknown)
		}
		if len(src.points[i]) > second(at) || values == nil {
			continue
		}
		src.points[i] = append(src.points[i], values[i])
	}
}

func (s *samples) series(seconds int) (list []report.Series) {
	for _, src := range s.sources {
		for i, name := range src.names {
			list = append(list, report.Series{Name: name, Unit: src.units[i], Points: padded(src.points[i], seconds, report.Unknown)})
		}
	}
	return list
}

// nodeMetric is a series and the metric that it is made of.
type nodeMetric struct {
	metric, series, unit string
	divide               float64
}

func nodeMetrics() []nodeMetric {
	return []nodeMetric{
		{"process_resident_memory_bytes", report.SeriesMemoryPrefix, "MiB", mib},
		{"go_memstats_heap_inuse_bytes", report.SeriesHeapPrefix, "MiB", mib},
		{"go_goroutines", report.SeriesGoroutinesPrefix, "", 1},
		{"process_open_fds", report.SeriesDescriptorsPrefix, "", 1},
	}
}

// scrape reads a node's metrics. One that it doesn't have is Unknown.
func scrape(ctx context.Context, client *http.Client, url string) ([]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return parseMetrics(io.LimitReader(resp.Body, metricsBytesMax))
}

// parseMetrics reads the text that Prometheus reads, as far as it is of metrics
// without labels.
func parseMetrics(r io.Reader) ([]float64, error) {
	metrics := nodeMetrics()
	values := make([]float64, len(metrics))
	for i := range values {
		values[i] = report.Unknown
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, mib)
	for lines.Scan() {
		name, rest, ok := strings.Cut(lines.Text(), " ")
		i := slices.IndexFunc(metrics, func(m nodeMetric) bool { return m.metric == name })
		if !ok || i < 0 {
			continue
		}
		number, _, _ := strings.Cut(rest, " ") // behind it may be a time
		if v, err := strconv.ParseFloat(number, 64); err == nil && v >= 0 {
			values[i] = v / metrics[i].divide
		}
	}
	return values, lines.Err()
}

// directory is how many bytes the files of a directory have. What goes while it
// is looked at isn't counted.
func directory(dir string) (bytes int64) {
	//nolint:errcheck // what can't be read counts nothing
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

// topicKinds are what the topics of a system are for. Changelogs are as long as
// the state asks for; logs and public topics as long as they are kept.
func topicKinds() []string { return []string{"changelogs", "logs", "public"} }

func topicKind(short string) int {
	switch {
	case strings.HasPrefix(short, "changelog."):
		return 0
	case strings.HasPrefix(short, "log."):
		return 1
	}
	return 2
}

func brokerDisk(ctx context.Context, s *System) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	dirs, err := kadm.NewClient(s.Client).DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the brokers for their disks: %w", err)
	}
	return diskOf(dirs, s.Topology)
}

func diskOf(dirs kadm.DescribedAllLogDirs, t *topology.Topology) ([]float64, error) {
	kinds := map[string]int{}
	for i := range t.Topics {
		kinds[t.Topics[i].Name] = topicKind(t.Topics[i].Short)
	}
	values := make([]float64, len(topicKinds()))
	var failed error
	dirs.Each(func(d kadm.DescribedLogDir) {
		if d.Err != nil {
			failed = d.Err
		}
		d.Topics.Each(func(p kadm.DescribedLogDirPartition) {
			if kind, ours := kinds[p.Topic]; ours {
				values[kind] += float64(p.Size) / mib
			}
		})
	})
	return values, failed
}
