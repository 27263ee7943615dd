package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// drawing is what the page's script draws.
type drawing struct {
	Bands   []band   `json:"bands"`
	Outages []band   `json:"outages"`
	Markers []Marker `json:"markers"`
	Plots   []plot   `json:"plots"`
}

// band is a phase, shaded in every plot over time.
type band struct {
	Name string  `json:"name"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// Kinds of a plot: what its x is.
const (
	overTime       = "time"       // seconds since the first intended send
	byPercentile   = "percentile" // 1/(1-percentile), from 1
	unitMillis     = "ms"
	unitPerSecond  = "/s"
	roleBackground = "background" // wide and pale, under the others
	roleDashed     = "dashed"     // of a comparison, what the other is held against; or its colour is another's
)

// plot is one set of axes with its lines.
type plot struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Note  string `json:"note,omitempty"`
	Kind  string `json:"kind"`
	Unit  string `json:"unit"`
	// Log: the y axis can be logarithmic, and is at first.
	Log bool `json:"log,omitempty"`
	// Half of the page's width is enough, where there is that much of it.
	Half  bool    `json:"half,omitempty"`
	X     numbers `json:"x"`
	Lines []line  `json:"lines"`
}

// line is one value for every x, NaN where there is none.
type line struct {
	Label  string  `json:"label"`
	Colour string  `json:"colour"` // a name of the page's style
	Role   string  `json:"role,omitempty"`
	Values numbers `json:"values"`
}

// numbers are written short: four digits are more than a plot shows, and NaN is
// null.
type numbers []float64

func (n numbers) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, x := range n {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, roundTo(x, 4), 'f', -1, 64)
	}
	return append(b, ']'), nil
}

// roundTo keeps the given count of digits, and all digits of whole numbers.
func roundTo(x float64, digits int) float64 {
	if x == math.Trunc(x) {
		return x
	}
	scale := math.Pow10(digits - 1 - int(math.Floor(math.Log10(math.Abs(x)))))
	if scale < 1 {
		return math.Round(x)
	}
	return math.Round(x*scale) / scale
}

// pointsMax is how many points over time a plot gets. A longer run is drawn in
// steps of several seconds, of each the worst: a page of a day's run would be
// larger than browsers like.
const pointsMax = 3600

// seconds is the x axis of a run.
type seconds struct {
	count int
	step  int // seconds of one point
}

func (r *Result) axis() seconds {
	last := r.Seconds
	for i := range r.Phases {
		last = max(last, r.Phases[i].To)
	}
	for i := range r.Series {
		last = max(last, float64(len(r.Series[i].Points)))
	}
	for i := range r.Latencies {
		if over := r.Latencies[i].Over; len(over) > 0 {
			last = max(last, over[len(over)-1].At+1)
		}
	}
	total := max(int(math.Ceil(last)), 1)
	step := (total + pointsMax - 1) / pointsMax
	return seconds{count: (total + step - 1) / step, step: step}
}

func (s seconds) x() numbers {
	x := make(numbers, s.count)
	for i := range x {
		x[i] = float64(i * s.step)
	}
	return x
}

func (s seconds) empty() numbers {
	values := make(numbers, s.count)
	for i := range values {
		values[i] = math.NaN()
	}
	return values
}

// note says what a point stands for when it isn't a second.
func (s seconds) note(of string) string {
	if s.step == 1 {
		return ""
	}
	return "each point is the " + of + " of " + strconv.Itoa(s.step) + " seconds"
}

// mean returns the series, the mean of the seconds of a point.
func (s seconds) mean(points []float64) numbers {
	values := s.empty()
	for i := range values {
		sum, n := 0.0, 0
		for _, p := range points[min(i*s.step, len(points)):min((i+1)*s.step, len(points))] {
			if p != Unknown {
				sum, n = sum+p, n+1
			}
		}
		if n > 0 {
			values[i] = sum / float64(n)
		}
	}
	return values
}

// worst returns one figure of a latency, the largest of the seconds of a point.
func (s seconds) worst(over []Second, figure func(*Second) float64) numbers {
	values := s.empty()
	for i := range over {
		at := int(over[i].At) / s.step
		if at >= len(values) {
			break
		}
		v := max(figure(&over[i]), latencyLeast)
		if math.IsNaN(values[at]) || v > values[at] {
			values[at] = v
		}
	}
	return values
}

// latencyLeast is a microsecond, the least that a histogram counts: a
// logarithmic axis has no zero.
const latencyLeast = 0.001

// colours are names of the page's style, told apart by colour-blind people.
func colours() []string { return []string{"blue", "orange", "purple", "green", "sky", "red"} }

func colour(i int) string { all := colours(); return all[i%len(all)] }

func (r *Result) draw() drawing {
	s := r.axis()
	d := drawing{Bands: r.bands(), Outages: []band{}, Markers: r.Markers}
	for _, o := range r.Outages {
		d.Outages = append(d.Outages, band{"", o.From, o.To})
	}
	if p, ok := r.rates(s); ok {
		d.Plots = append(d.Plots, p)
	}
	for i := range r.Latencies {
		if len(r.Latencies[i].Over) > 0 {
			d.Plots = append(d.Plots, r.Latencies[i].plot(i, s))
		}
	}
	var others []plot
	grouped := groups()
	for i := range r.Series {
		series := &r.Series[i]
		group := slices.IndexFunc(grouped, func(g group) bool { return strings.HasPrefix(series.Name, g.prefix) })
		switch {
		case series.Name == SeriesIntended, series.Name == SeriesSent, series.Name == SeriesDecided:
		case group >= 0:
			g := &grouped[group]
			g.lines = append(g.lines, line{Label: strings.TrimPrefix(series.Name, g.prefix),
				Colour: colour(len(g.lines)), Values: s.mean(series.Points)})
			g.unit = series.Unit
		default:
			title := series.Name
			if title == SeriesRefused {
				title = "Orders refused"
			}
			others = append(others, plot{ID: "series-" + strconv.Itoa(i), Title: title, Note: s.note("mean"), Kind: overTime, Unit: series.Unit, Half: true, X: s.x(),
				Lines: []line{{Label: series.Name, Colour: "purple", Values: s.mean(series.Points)}}})
		}
	}
	for i := range grouped {
		if g := &grouped[i]; len(g.lines) > 0 {
			d.Plots = append(d.Plots, plot{ID: g.id, Title: g.title, Note: s.note("mean"), Kind: overTime, Unit: g.unit, Half: g.half, X: s.x(), Lines: g.lines})
		}
	}
	d.Plots = append(d.Plots, others...)
	if p, ok := distribution(r.distributed()); ok {
		d.Plots = append(d.Plots, p)
	}
	return d
}

// group is series that are drawn together, a line for what follows the prefix of
// their names.
type group struct {
	prefix, id, title string
	half              bool
	unit              string
	lines             []line
}

func groups() []group {
	return []group{
		{prefix: SeriesLagPrefix, id: "lag", title: "Lag by stage"},
		{prefix: SeriesMemoryPrefix, id: "memory", title: "Memory of the nodes, resident", half: true},
		{prefix: SeriesHeapPrefix, id: "heap", title: "Go heap of the nodes, in use", half: true},
		{prefix: SeriesGoroutinesPrefix, id: "goroutines", title: "Goroutines of the nodes", half: true},
		{prefix: SeriesDescriptorsPrefix, id: "descriptors", title: "Open file descriptors of the nodes", half: true},
		{prefix: SeriesDiskPrefix, id: "disk", title: "Data directories of the nodes", half: true},
		{prefix: SeriesBrokerPrefix, id: "broker", title: "Topics on the brokers' disks", half: true},
	}
}

func (r *Result) bands() []band {
	var bands []band
	for i := range r.Phases {
		bands = append(bands, band{r.Phases[i].Name, r.Phases[i].From, r.Phases[i].To})
	}
	return bands
}

func (r *Result) series(name string) ([]float64, bool) {
	i := slices.IndexFunc(r.Series, func(s Series) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return r.Series[i].Points, true
}

func (r *Result) latency(name string) *Latency {
	i := slices.IndexFunc(r.Latencies, func(l Latency) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Latencies[i]
}

func (r *Result) rates(s seconds) (plot, bool) {
	p := plot{ID: "rate", Title: "Orders a second", Note: s.note("mean"), Kind: overTime, Unit: unitPerSecond, X: s.x()}
	for _, l := range []line{
		{Label: SeriesIntended, Colour: "grey", Role: roleBackground},
		{Label: SeriesSent, Colour: "blue"},
		{Label: SeriesDecided, Colour: "orange"},
	} {
		if points, ok := r.series(l.Label); ok {
			l.Values = s.mean(points)
			p.Lines = append(p.Lines, l)
		}
	}
	return p, len(p.Lines) > 0
}

func (l *Latency) plot(i int, s seconds) plot {
	return plot{ID: "latency-" + strconv.Itoa(i), Title: "Latency: " + l.Name, Note: s.note("worst"), Kind: overTime, Unit: unitMillis, Log: true,
		Half: strings.HasPrefix(l.Name, LatencyChannelPrefix), X: s.x(),
		Lines: []line{
			{Label: "max", Colour: "purple", Values: s.worst(l.Over, func(s *Second) float64 { return s.Max })},
			{Label: "p99", Colour: "orange", Values: s.worst(l.Over, func(s *Second) float64 { return s.P99 })},
			{Label: "p50", Colour: "blue", Values: s.worst(l.Over, func(s *Second) float64 { return s.P50 })},
		}}
}

// named is a latency with the look of its line.
type named struct {
	label, colour, role string
	latency             *Latency
}

func (r *Result) distributed() []named {
	var all []named
	for i := range r.Latencies {
		role := ""
		if i >= len(colours()) {
			role = roleDashed
		}
		all = append(all, named{r.Latencies[i].Name, colour(i), role, &r.Latencies[i]})
	}
	return all
}

// distributionSteps is how many points each factor of ten of 1/(1-percentile)
// has.
const distributionSteps = 24

// distribution draws what share of the values was within how many milliseconds.
// Each line ends where one value is left.
func distribution(all []named) (plot, bool) {
	p := plot{ID: "distribution", Title: "Latency by percentile", Kind: byPercentile, Unit: unitMillis, Log: true}
	most := int64(0)
	for _, n := range all {
		if n.latency.Histogram != "" {
			most = max(most, n.latency.Count)
		}
	}
	if most == 0 {
		return p, false
	}
	var percentiles []float64
	for i := 0; ; i++ {
		x := math.Pow(10, float64(i)/distributionSteps)
		p.X = append(p.X, x)
		percentiles = append(percentiles, 100*(1-1/x))
		if x >= float64(most) {
			break
		}
	}
	for _, n := range all {
		h, err := n.latency.Decode()
		if err != nil || h == nil { // validated before
			continue
		}
		l := line{Label: n.label, Colour: n.colour, Role: n.role}
		for i, v := range h.ValueAtPercentilesSlice(percentiles) {
			y := max(float64(v)/microsInMilli, latencyLeast)
			if i > 0 && p.X[i-1] >= float64(n.latency.Count) {
				y = math.NaN()
			}
			l.Values = append(l.Values, y)
		}
		p.Lines = append(p.Lines, l)
	}
	return p, true
}
