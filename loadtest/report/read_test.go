package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"

	formats "holdfast/internal/golden"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	require.Equal(t, embeddedForTest(t, path), string(got), "run with -update after a change that is meant")
}

func embeddedForTest(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func jsonOf(t *testing.T, r *Result) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Write(&b))
	return b.Bytes()
}

// small is a Result with every field set.
func small() *Result {
	h := hdrhistogram.New(1, 3_600_000_000, 3)
	for _, micros := range []int64{1500, 2500, 40_000} {
		_ = h.RecordValue(micros)
	}
	r := sample(1, 0)
	r.Latencies = []Latency{{Name: "accepted", Count: 3, P50: 2.5, P90: 40, P99: 40, P999: 40, Max: 40.031, Histogram: EncodeHistogram(h),
		Over: []Second{{0, 2, 1.5, 2.5, 2.5}, {3, 1, 40, 40, 40}}}}
	r.Series = []Series{{SeriesIntended, "/s", []float64{1, 1}}, {SeriesSent, "/s", []float64{2, Unknown}}}
	r.Growth = []Growth{{"memory a", "MiB", 412.3, 420}, {"goroutines a", "", 97, 90}, {"disk a", "MiB", Unknown, 3}, {"descriptors a", "", 0, 5}}
	r.Audit = &Audit{"fail", 3, 1, map[string]int64{"oversold": 1, "seq_gap": 2}, 0.25}
	return r
}

func TestJSONIsTheContract(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, json.Indent(&b, jsonOf(t, small()), "", "  "))
	golden(t, "small.json", b.Bytes())
}

// A result as each version wrote it. Fields may be added to a version; what was
// written before them is read all the same.
func TestResultsAreRead(t *testing.T) {
	formats.Each(t, "result", func(_ int, b []byte) {
		r, err := Read(bytes.NewReader(b))
		require.NoError(t, err)
		require.Equal(t, "rush with a broker killed", r.Scenario)
		require.NotEmpty(t, r.Latencies)
	})
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, small().WriteText(&b))
	golden(t, "small.txt", b.Bytes())
}

func TestHGRM(t *testing.T) {
	var b bytes.Buffer
	r := small()
	require.NoError(t, r.Latencies[0].WriteHGRM(&b))
	golden(t, "small.hgrm", b.Bytes())
	require.ErrorContains(t, (&Latency{Name: "none"}).WriteHGRM(&b), "latency none has no histogram")
}

func TestReadTakesWhatWriteWrote(t *testing.T) {
	want := sample(1, 1)
	got, err := Read(bytes.NewReader(jsonOf(t, want)))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// What went wrong may have a lot to say, and not all of it in UTF-8.
func TestWriteCutsWhatHappened(t *testing.T) {
	r := small()
	r.Reasons = slices.Repeat([]string{strings.Repeat("ü", lineBytesMax), "\xff"}, listMax)
	r.Markers[0].Text = strings.Repeat("x", lineBytesMax+1)
	got, err := Read(bytes.NewReader(jsonOf(t, r)))
	require.NoError(t, err)
	require.Len(t, got.Reasons, listMax)
	require.True(t, strings.HasSuffix(got.Reasons[0], "üü…"))
	require.Equal(t, "?", got.Reasons[1])
	require.Len(t, got.Markers[0].Text, lineBytesMax)
}

func TestReadRefuses(t *testing.T) {
	valid := string(jsonOf(t, small()))
	refuse := func(text, want string) {
		t.Helper()
		_, err := Read(strings.NewReader(text))
		require.ErrorContains(t, err, want)
	}
	replaced := func(from, to string) string {
		t.Helper()
		require.Contains(t, valid, from)
		return strings.Replace(valid, from, to, 1)
	}
	wide := hdrhistogram.New(1, math.MaxInt64, 5)
	require.NoError(t, wide.RecordValue(1))
	refuse("", "not the JSON of a load test's result")
	refuse("[]", "not the JSON of a load test's result")
	refuse("{}", "it has no version")
	refuse(replaced(`"version":1`, `"version":2`), "of version 2: this program reads version 1")
	refuse(replaced(`"seed":11`, `"seed":"x"`), "not the JSON of a load test's result")
	refuse(replaced(`"verdict":"NO-GO"`, `"verdict":"MAYBE"`), `verdict "MAYBE", must be GO or NO-GO`)
	refuse(replaced(`"seconds":165`, `"seconds":1e300`), "seconds is 1e+300, must be 0 to")
	refuse(replaced(`"records_late":212`, `"records_late":-1`), "behind.records_late -1")
	refuse(replaced(`"orders_sent":`, `"orders_sent":-`), "orders sent is -")
	refuse(replaced(`"name":"sent"`, `"name":"intended"`), `a second series "intended"`)
	refuse(replaced(`"points":[2,-1]`, `"points":[2,-2]`), "series[1].points[1] is -2")
	refuse(replaced(`"count":3`, `"count":4`), "latencies[0].count 4, but its histogram has 3 values")
	refuse(replaced(`"at":3,`, `"at":0,`), "latencies[0].over[1].at is 0")
	refuse(replaced(small().Latencies[0].Histogram, "AAAA"), "histogram: too short")
	refuse(replaced(small().Latencies[0].Histogram, EncodeHistogram(wide)), "histogram: 5 significant digits, may have 3")
	refuse(replaced(`"to":20,`, `"to":-20,`), "phases[0].to is -20")
	refuse(replaced(`"orders":11520`, `"orders":-1`), "outages[0].orders is -1")
	refuse(replaced(`"to":100,"orders"`, `"to":1,"orders"`), "outages[0].to is 1, must be 80 to")
	refuse(`{"version":1,"outages":[`+strings.Repeat("{},", listMax)+`{}]}`, "outages has 1001 entries")
	refuse(strings.Repeat(" ", fileBytesMax+1), "more than 64 MiB")
	refuse(`{"version":1,"latencies":[`+strings.Repeat("{},", fileObjectsMax)+`{}]}`, "the file has 1048578 objects")
	refuse(`{"version":1,"series":[{"points":[`+strings.Repeat("0,", fileCommasMax)+`0]}]}`, "commas")
	refuse(`{"version":1,"latencies":[`+strings.Repeat("{},", latenciesMax)+`{}]}`, "latencies has 257 entries, may have 256")
	refuse(`{"version":1,"reasons":[`+strings.Repeat(`"",`, listMax)+`""]}`, "reasons has 1001 entries")
}

func TestEverythingWrongIsSaidAtOnceAndBriefly(t *testing.T) {
	r := &Result{Series: []Series{{Name: "s", Points: make([]float64, 1000)}}}
	for i := range r.Series[0].Points {
		r.Series[0].Points[i] = math.NaN()
	}
	err := r.Validate()
	require.ErrorContains(t, err, "version 0")
	require.ErrorContains(t, err, "scenario is empty")
	require.ErrorContains(t, err, "points[0] is NaN")
	require.ErrorContains(t, err, "and more")
	require.Less(t, len(err.Error()), 4000)
	require.Error(t, r.Write(&bytes.Buffer{}))
}

// A file of somebody else's making may be refused. It must not hang the reader,
// nor be taken when it can't be drawn.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	_ = small().Write(&b)
	f.Add(b.Bytes())
	f.Add([]byte(`{"version":1,"scenario":"s","verdict":"GO"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var page, again bytes.Buffer
		require.NoError(t, json.NewEncoder(&page).Encode(r.draw()))
		require.NoError(t, r.WriteText(&page))
		for i := range r.Latencies {
			if r.Latencies[i].Histogram != "" {
				require.NoError(t, r.Latencies[i].WriteHGRM(&page))
			}
		}
		require.NoError(t, r.Write(&again))
		once, err := Read(&again)
		require.NoError(t, err)
		require.Equal(t, jsonOf(t, r), jsonOf(t, once))
	})
}
