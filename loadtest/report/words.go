package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// count writes 1234567 as 1,234,567.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// digits writes a figure with three of them, and all of those before the point.
func digits(x float64) string {
	if math.Abs(x) >= 100 {
		return count(int64(math.Round(x)))
	}
	if x == 0 {
		return "0"
	}
	return strconv.FormatFloat(roundTo(x, 3), 'f', -1, 64)
}

// millis writes a latency in the unit in which it is short.
func millis(ms float64) string {
	size := math.Abs(ms)
	switch {
	case size == 0:
		return "0 ms"
	case size < 1:
		return digits(ms*1000) + " µs"
	case size < 1000:
		return digits(ms) + " ms"
	case size < 60_000:
		return digits(ms/1000) + " s"
	}
	return digits(ms/60_000) + " min"
}

// figure writes a value in its unit.
func figure(x float64, unit string) string {
	switch unit {
	case "ms":
		return millis(x)
	case "":
		return digits(x)
	case "%", "/s":
		return digits(x) + unit
	}
	return digits(x) + " " + unit
}

func (t *Threshold) limitWords() string { return figure(t.Limit, t.Unit) }

func (t *Threshold) valueWords() string {
	if t.Value == Unknown {
		return "not measured"
	}
	return figure(t.Value, t.Unit)
}

// clock writes seconds since the beginning as 1:05 or 2:00:00.
func clock(at float64) string {
	t := int(math.Round(math.Abs(at)))
	sign := ""
	if at < 0 && t > 0 {
		sign = "-"
	}
	if t >= 3600 {
		return fmt.Sprintf("%s%d:%02d:%02d", sign, t/3600, t/60%60, t%60)
	}
	return fmt.Sprintf("%s%d:%02d", sign, t/60, t%60)
}

// late tells whether the generator was late enough to say so before anything
// else.
func (b *Behind) late() bool { return b.Seconds > 0 || b.RecordsLate > 0 }

func (b *Behind) words() string {
	if !b.late() {
		if b.MaxMillis == 0 {
			return "The generator was never late."
		}
		return "The generator was on time: late by " + millis(b.MaxMillis) + " at most."
	}
	var s strings.Builder
	fmt.Fprintf(&s, "By up to %s", millis(b.MaxMillis))
	if b.RecordsLate > 0 {
		fmt.Fprintf(&s, ", with %s (%s of all) sent later than meant", plural(b.RecordsLate, "record"), share(b.Share))
	}
	if b.Seconds > 0 {
		fmt.Fprintf(&s, "; in %s by more than 100 ms", plural(int64(b.Seconds), "second"))
	}
	s.WriteString(". Latencies count from the intended time, so this is in them: the system itself may have been faster than shown, and its load was less even than intended.")
	return s.String()
}

func (o *Outage) words() string {
	waited := "nothing waited in it"
	if o.MaxMillis > 0 {
		waited = fmt.Sprintf("%s waited in it, and nothing longer than %s", plural(o.Orders, "order"), millis(o.MaxMillis))
	}
	return clock(o.From) + " to " + clock(o.To) + ": " + waited
}

// outageNote is for a reader who compares thresholds and latencies.
const outageNote = "Thresholds for latencies are of what didn't wait during an outage, and outage_max_ms is of what did. The latencies told are of all."

func share(x float64) string {
	if x > 0 && x < 0.0001 {
		return "less than 0.01 %"
	}
	return digits(100*x) + " %"
}

func plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return count(n) + " " + noun
}

// facts say what was run and when, on one line.
func (r *Result) facts() string {
	s := fmt.Sprintf("ran %s, seed %d", clock(r.Seconds), r.Seed)
	if !r.Started.IsZero() {
		s = "started " + r.Started.UTC().Format(time.DateTime) + " UTC, " + s
	}
	if n := len(r.Phases); n > 0 {
		s += ", " + plural(int64(n), "phase")
	}
	return s
}

func (a *Audit) words() string {
	s := plural(a.Orders, "order")
	if a.OversoldUnits == 0 {
		s += ", no unit promised twice"
	} else {
		s += ", " + plural(a.OversoldUnits, "unit") + " promised twice"
	}
	return fmt.Sprintf("%s (took %s)", s, millis(a.Seconds*1000))
}
