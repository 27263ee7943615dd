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
	page := browse(t, "file://"+path+"#check", append(args, "--dump-dom")...)
	require.Empty(t, attribute(page, "data-errors"))
	var drawn []drawnPlot
	require.NoError(t, json.Unmarshal([]byte(attribute(page, "data-drawn")), &drawn), "the page's script didn't come to its end")
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
	requireDrawn(t, path, 7)
	requireDrawn(t, path, 7, dark)
	screenshot(t, path, "report", "1180,3800")
	screenshot(t, path, "report-dark", "1180,3800", dark)
	screenshot(t, path, "report-narrow", "500,4200")
}

func TestBrowserDrawsTheComparison(t *testing.T) {
	c := Compare(sample(1, 1), sample(2, 1.3), DefaultCompare())
	path := pageFile(t, c.WriteHTML)
	requireDrawn(t, path, 7)
	screenshot(t, path, "compare", "1180,4800")
}

// Names that try to be more than text stay text in a browser too.
func TestBrowserIsNotFooled(t *testing.T) {
	const evil = `</script><script>document.documentElement.dataset.errors='fooled'</script><img src=x onerror="document.documentElement.dataset.errors='fooled'">`
	r := sample(1, 1)
	r.Scenario, r.Text, r.Phases[0].Name, r.Markers[0].Text, r.Markers[0].Kind = evil, evil, evil, evil, evil
	r.Latencies[0].Name, r.Series[3].Name, r.Series[3].Unit = evil, evil, evil
	requireDrawn(t, pageFile(t, func(w io.Writer) error { return WriteHTML(w, r) }), 7)
}
