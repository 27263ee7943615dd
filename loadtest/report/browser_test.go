//go:build browser

package report

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// chromium finds the browser. Without one these tests fail: who asks for them
// wants to know that the pages draw.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require.Fail(t, "no Chromium", "on Debian: apt-get install chromium; elsewhere say where it is: CHROMIUM=/path/to/chrome")
	return ""
}

// browse opens a page from a file, as who was sent it does, and returns what the
// browser wrote to standard output.
func browse(t *testing.T, url string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	all := append([]string{"--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
		"--no-first-run", "--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=4000",
		"--user-data-dir=" + t.TempDir()}, args...)
	if os.Geteuid() == 0 {
		all = append(all, "--no-sandbox") // which Chromium refuses to have as root
	}
	cmd := exec.CommandContext(ctx, chromium(t), append(all, url)...)
	cmd.WaitDelay = time.Second
	var out, errout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errout
	require.NoError(t, cmd.Run(), "%s", errout.String())
	require.NotRegexp(t, `(?i)CONSOLE.*(uncaught|refused|error)`, errout.String())
	return out.String()
}

// drawnPlot is what the page's check says of a plot.
type drawnPlot struct {
	ID    string
	Log   bool
	Flags []float64 // of the markers: how much of each is in its colour; none where x isn't time
	Lines []struct {
		Label   string
		Painted int
	}
}

// attribute is one of those that the page gives its root.
func attribute(page, name string) string {
	m := regexp.MustCompile(`<html[^>]* ` + name + `="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// requireDrawn opens the page and requires that every line of every plot has
// left pixels of its colour, on both scales.
func requireDrawn(t *testing.T, path string, plots int, args ...string) {
	t.Helper()
	drawn := look(t, path, args...)
	require.Len(t, drawn, 2*plots)
	switched := 0
	for i, p := range drawn {
		require.NotEmpty(t, p.Lines, p.ID)
		for _, l := range p.Lines {
			require.Greater(t, l.Painted, 30, "%s: %s (logarithmic: %v)", p.ID, l.Label, p.Log)
		}
		if i < plots && p.Log {
			require.False(t, drawn[i+plots].Log)
			switched++
		}
	}
	require.Positive(t, switched)
}

// look opens the page and returns its plots twice: as they are, and with their
// scales switched. Nothing may have gone wrong on the way.
func look(t *testing.T, path string, args ...string) (drawn []drawnPlot) {
	t.Helper()
	page := browse(t, "file://"+path+"#check", append(args, "--dump-dom")...)
	require.Empty(t, attribute(page, "data-errors"))
	require.NoError(t, json.Unmarshal([]byte(attribute(page, "data-drawn")), &drawn), "the page's script didn't come to its end")
	return drawn
}

// requireFlags requires that so many markers stand in each plot over time, at
// their times.
func requireFlags(t *testing.T, drawn []drawnPlot, markers int) {
	t.Helper()
	overTime := 0
	for _, p := range drawn {
		if len(p.Flags) == 0 {
			continue
		}
		overTime++
		require.Len(t, p.Flags, markers, p.ID)
		for i, share := range p.Flags {
			// The number is in another colour, and a neighbour may hide a half.
			require.Greater(t, share, 0.25, "%s: marker %d", p.ID, i+1)
		}
	}
	require.Positive(t, overTime)
}

// screenshot takes a picture and requires that something is on it. With
// SCREENSHOTS=DIR it is kept there, to be looked at.
func screenshot(t *testing.T, path, name, size string, args ...string) {
	t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	file := filepath.Join(dir, name+".png")
	browse(t, "file://"+path, append(args, "--window-size="+size, "--screenshot="+file)...)
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	picture, err := png.Decode(f)
	require.NoError(t, err)
	seen := map[[3]uint32]int{}
	b := picture.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += 3 {
		for x := b.Min.X; x < b.Max.X; x += 3 {
			r, g, b, _ := picture.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}]++
		}
	}
	require.Greater(t, len(seen), 50, "a page with text and plots has many colours")
}

func pageFile(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	require.NoError(t, WriteFile(path, write))
	return path
}

const dark = "--blink-settings=preferredColorScheme=0"

func TestBrowserDrawsTheReport(t *testing.T) {
	path := pageFile(t, func(w io.Writer) error { return WriteHTML(w, sample(1, 1)) })
	requireDrawn(t, path, 13)
	requireDrawn(t, path, 13, dark)
	requireFlags(t, look(t, path), 2)
	requireFlags(t, look(t, path, dark), 2)
	screenshot(t, path, "report", "1180,5000")
	screenshot(t, path, "report-dark", "1180,5000", dark)
	screenshot(t, path, "report-narrow", "500,6600")
}

// Where flags have no room there is a tick for each marker, and a marker that is
// close to others is still seen.
func TestBrowserDrawsManyMarkers(t *testing.T) {
	r := sample(1, 1)
	r.Markers = nil
	for i := range 160 {
		kind := MarkerFault
		if i%2 == 1 {
			kind = MarkerRestore
		}
		r.Markers = append(r.Markers, Marker{At: float64(i/2*2) + 0.1*float64(i%2), Kind: kind, Text: "one of many"})
	}
	path := pageFile(t, func(w io.Writer) error { return WriteHTML(w, r) })
	requireDrawn(t, path, 13)
	requireFlags(t, look(t, path), 160)
	screenshot(t, path, "report-many-markers", "1180,5000")
}

func TestBrowserDrawsTheComparison(t *testing.T) {
	c := Compare(sample(1, 1), sample(2, 1.3), DefaultCompare())
	path := pageFile(t, c.WriteHTML)
	requireDrawn(t, path, 7)
	screenshot(t, path, "compare", "1180,4800")
}

// TestBrowserDrawsReports opens the reports of real runs: REPORTS names a folder
// with NAME.html and NAME.json.
func TestBrowserDrawsReports(t *testing.T) {
	dir := os.Getenv("REPORTS")
	if dir == "" {
		t.Skip("REPORTS names no folder with the reports of runs")
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.html"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "no report in %s", dir)
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".html")
		f, err := os.Open(filepath.Join(dir, name+".json"))
		require.NoError(t, err)
		defer f.Close()
		r, err := Read(f)
		require.NoError(t, err)
		abs, err := filepath.Abs(path)
		require.NoError(t, err)
		drawn := look(t, abs)
		require.Len(t, drawn, 2*len(r.draw().Plots), name)
		if len(r.Markers) > 0 {
			requireFlags(t, drawn, len(r.Markers))
		}
		for _, p := range drawn {
			painted := 0
			for _, l := range p.Lines {
				painted += l.Painted // a line of a real run may lie under another one
			}
			require.Greater(t, painted, 30, "%s: %s", name, p.ID)
		}
		screenshot(t, abs, name, "1180,5200")
		t.Logf("%s: %d plots, %d markers, %s", path, len(drawn)/2, len(r.Markers), r.Verdict)
	}
}

// Names that try to be more than text stay text in a browser too.
func TestBrowserIsNotFooled(t *testing.T) {
	const evil = `</script><script>document.documentElement.dataset.errors='fooled'</script><img src=x onerror="document.documentElement.dataset.errors='fooled'">`
	r := sample(1, 1)
	r.Scenario, r.Text, r.Phases[0].Name, r.Markers[0].Text, r.Markers[0].Kind = evil, evil, evil, evil, evil
	r.Latencies[0].Name, r.Series[3].Name, r.Series[3].Unit = evil, evil, evil
	requireDrawn(t, pageFile(t, func(w io.Writer) error { return WriteHTML(w, r) }), 13)
}
