package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"holdfast/loadtest/sale"
)

const presets = "../scenarios"

// Each preset can be run, with what its file says in it.
func TestPresets(t *testing.T) {
	files, err := filepath.Glob(presets + "/*.yaml")
	require.NoError(t, err)
	names := []string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		s, err := Parse(text)
		require.NoError(t, err, file)
		require.Equal(t, strings.TrimSuffix(filepath.Base(file), ".yaml"), s.Name)
		require.Contains(t, s.Thresholds, OversoldUnits, file)
		c := s.Sale("t")
		c.Start = 1
		made, err := sale.New(c)
		require.NoError(t, err, file)
		require.NotEmpty(t, made.Setup(), file)
		_, ok := made.Next()
		require.True(t, ok, file)
		names = append(names, s.Name)
	}
	require.Equal(t, []string{"11.11", "conflation", "failover", "flash-sale", "smoke", "soak", "steady"}, names)
}

// What comes with Holdfast to be laid over a scenario makes one of any.
func TestOverlays(t *testing.T) {
	overs, err := filepath.Glob(presets + "/with/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, overs)
	files, err := filepath.Glob(presets + "/*.yaml")
	require.NoError(t, err)
	for _, path := range overs {
		over, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			before, err := Parse(text)
			require.NoError(t, err)
			text, err = Lay(text, over)
			require.NoError(t, err)
			s, err := Parse(text, "faults.0.at=4s", "faults.1.at=6s")
			require.NoError(t, err, "%s with %s", file, path)
			require.Equal(t, before.Name, s.Name)
			rota := *before // its own faults are replaced, and its rota stays
			rota.Faults = nil
			require.ElementsMatch(t, append(rota.Outages(), Outage{4 * time.Second, 24 * time.Second}), s.Outages())
			for name, limit := range before.Thresholds {
				if name != OutageMax {
					require.Equal(t, limit, s.Thresholds[name], "nothing else may get easier")
				}
			}
		}
	}
}

// TestScripts: what scenarios become, and what is said of wrong ones.
func TestScripts(t *testing.T) {
	datadriven.RunTest(t, "testdata/scenarios.txt", func(t *testing.T, d *datadriven.TestData) string {
		var changes []string
		for _, arg := range d.CmdArgs {
			changes = append(changes, arg.Key+"="+strings.Join(arg.Vals, ","))
		}
		text := []byte(d.Input)
		if d.Cmd == "lay" {
			base, over, _ := strings.Cut(d.Input, "--- over\n")
			laid, err := Lay([]byte(base), []byte(over))
			if err != nil {
				return err.Error()
			}
			text = laid
		}
		s, err := Parse(text, changes...)
		if err != nil {
			return err.Error()
		}
		switch d.Cmd {
		case "check":
			return "good"
		case "text", "lay":
			return s.Text
		case "rates":
			return rates(s)
		case "schedule":
			return schedule(s)
		}
		d.Fatalf(t, "unknown command")
		return ""
	})
}

// schedule tells what is done when.
func schedule(s *Scenario) string {
	var b strings.Builder
	for _, f := range s.Schedule() {
		fmt.Fprintf(&b, "%v %s\n", time.Duration(f.At), f.Name)
	}
	for _, o := range s.Outages() {
		fmt.Fprintf(&b, "outage %v to %v\n", o.From, o.To)
	}
	return b.String()
}

// rates tells what the profile is, slope by slope.
func rates(s *Scenario) string {
	var b strings.Builder
	p := s.Profile()
	for _, slope := range p.Slopes() {
		if slope.Burst > 0 {
			b.WriteString("at once " + number(float64(slope.Burst)) + "\n")
			continue
		}
		b.WriteString(slope.For.String() + " " + number(slope.From) + " to " + number(slope.To) + "\n")
	}
	b.WriteString("orders " + number(float64(p.Orders())) + "\n")
	return b.String()
}

func number(f float64) string { return strings.TrimSuffix(strings.TrimRight(formatFloat(f), "0"), ".") }

// A text that is too long is refused before anything is made of it.
func TestLongText(t *testing.T) {
	_, err := Parse(make([]byte, textBytesMax+1))
	require.ErrorContains(t, err, "a scenario of 65537 bytes")
}

// Defaults alone are a scenario, but for its name and phases.
func TestDefaults(t *testing.T) {
	s, err := Parse([]byte("{name: a, phases: [{name: b, for: 2s, rate: 10}]}"))
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, s.Duration())
	require.Equal(t, Defaults().Channels, s.Channels)
	require.Equal(t, Defaults().Payments, s.Payments)
	require.Equal(t, 20, s.Sale("x").Orders)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("{name: a, phases: [{name: b, for: 2s, rate: 10}]}"), "seed=1")
	f.Add([]byte("name: &a [*a]"), "name.a=1")
	f.Add([]byte("phases:\n- {for: 1s}\nspikes: [{at: 1s, orders: 3}]"), "phases.0.rate=2")
	f.Fuzz(func(t *testing.T, text []byte, change string) {
		if s, err := Parse(text, change); err == nil {
			p := s.Profile()
			require.LessOrEqual(t, p.At(p.Orders()-1), p.Duration())
			again, err := Parse([]byte(s.Text))
			require.NoError(t, err, "what was run can be run again")
			require.Equal(t, s.Profile().Orders(), again.Profile().Orders())
		}
	})
}

func FuzzLay(f *testing.F) {
	f.Add([]byte("{name: a, phases: [{name: b, for: 2s, rate: 10}]}"), []byte("thresholds: {lag_max: 3}\nname:"))
	f.Add([]byte("name: &a [*a]"), []byte("name: *a"))
	f.Add([]byte("a: &a {b: 1}\nc: *a"), []byte("a: null\nc: {b: }"))
	f.Fuzz(func(t *testing.T, text, over []byte) {
		laid, err := Lay(text, over)
		if err != nil {
			return
		}
		if s, err := Parse(laid); err == nil {
			_, err := Parse([]byte(s.Text))
			require.NoError(t, err)
		}
	})
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', 3, 64) }

// The manual's example has every key that there is and can be run, and its table
// every threshold.
func TestManual(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(b), "```yaml\n")
	require.True(t, ok)
	text, _, ok := strings.Cut(rest, "```")
	require.True(t, ok)
	s, err := Parse([]byte(text))
	require.NoError(t, err)
	require.Equal(t, 410*time.Second, s.Duration())
	requireKeys(t, reflect.TypeFor[Scenario](), text)
	for name := range Gauges() {
		require.Contains(t, string(b), "`"+name+"`")
	}
}

func requireKeys(t *testing.T, of reflect.Type, text string) {
	for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	for i := 0; of.Kind() == reflect.Struct && i < of.NumField(); i++ {
		if key := of.Field(i).Tag.Get("yaml"); key != "-" {
			require.Regexp(t, `(?m)\b`+key+":", text)
			requireKeys(t, of.Field(i).Type, text)
		}
	}
}
