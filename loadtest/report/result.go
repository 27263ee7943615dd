package report

import "time"

// Version of the JSON of a Result. A reader refuses any other.
const Version = 1

// Verdict says whether a run kept all that its scenario asks for.
type Verdict string

// Verdicts of a run.
const (
	Go   Verdict = "GO"
	NoGo Verdict = "NO-GO"
)

// Result is all that a run of a load test measured. Times are seconds since the
// first intended send of the first phase; latencies are milliseconds.
type Result struct {
	Version  int       `json:"version"`
	Scenario string    `json:"scenario"` // its name
	Text     string    `json:"text"`     // the scenario's YAML as it was run
	Seed     uint64    `json:"seed"`
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"` // phases and what was waited for after them
	Verdict  Verdict   `json:"verdict"`
	// Reasons say why not, one sentence each.
	Reasons    []string    `json:"reasons,omitempty"`
	Thresholds []Threshold `json:"thresholds"`
	Phases     []Phase     `json:"phases"`
	Markers    []Marker    `json:"markers"`
	Totals     Totals      `json:"totals"`
	Outages    []Outage    `json:"outages,omitempty"`
	Behind     Behind      `json:"behind"`
	Latencies  []Latency   `json:"latencies"`
	Series     []Series    `json:"series"`
	Growth     []Growth    `json:"growth,omitempty"`
	Audit      *Audit      `json:"audit,omitempty"` // nil: nobody asked for one
}

// Threshold is one thing that the scenario asks for, and what came of it.
type Threshold struct {
	Name  string  `json:"name"`
	Limit float64 `json:"limit"`
	Value float64 `json:"value"` // Unknown when it wasn't measured
	Unit  string  `json:"unit"`
	Kept  bool    `json:"kept"`
}

// Phase is a stretch of the intended load. Rates are orders a second, at its
// beginning and at its end.
type Phase struct {
	Name     string  `json:"name"`
	From     float64 `json:"from"`
	To       float64 `json:"to"`
	RateFrom float64 `json:"rate_from"`
	RateTo   float64 `json:"rate_to"`
}

// Kinds of a Marker. Others are drawn too.
const (
	MarkerFault   = "fault"
	MarkerRestore = "restore"
)

// Marker is something that was done to the system during the run.
type Marker struct {
	At   float64 `json:"at"`
	Kind string  `json:"kind"`
	Text string  `json:"text"`
}

// Outage is a time in which the scenario allows that orders wait for what a
// fault broke. Its thresholds for latencies are of what didn't wait in it, and
// the one for outages is of what did.
type Outage struct {
	From      float64 `json:"from"`
	To        float64 `json:"to"`
	Orders    int64   `json:"orders"` // that were due before its end and answered after its begin
	MaxMillis float64 `json:"max_ms"` // of these orders, and of the channels' updates
}

// Totals of the whole run.
type Totals struct {
	OrdersSent     int64 `json:"orders_sent"`
	RecordsSent    int64 `json:"records_sent"`
	Duplicates     int64 `json:"duplicates"` // sent again on purpose
	Broken         int64 `json:"broken"`     // sent unreadable on purpose
	Accepted       int64 `json:"accepted"`
	Short          int64 `json:"short"`
	Rejected       int64 `json:"rejected"`
	Expired        int64 `json:"expired"`
	Cancelled      int64 `json:"cancelled"`
	Shipped        int64 `json:"shipped"`
	Returned       int64 `json:"returned"`
	DeadLetters    int64 `json:"dead_letters"`
	OrderEvents    int64 `json:"order_events"`
	ChannelUpdates int64 `json:"channel_updates"`
	// ChannelUpdatesBurst is how many of them one SKU of one shop had within a
	// second, the most.
	ChannelUpdatesBurst int64 `json:"channel_updates_burst"`
}

// Behind says how late the generator itself was. Latencies count from the
// intended time all the same, so that a late generator makes the system look
// slower than it is, never faster.
type Behind struct {
	MaxMillis   float64 `json:"max_ms"`
	Seconds     int     `json:"seconds"` // in which a record was sent more than 100 ms late
	RecordsLate int64   `json:"records_late"`
	Share       float64 `json:"share"` // of all records, 0 to 1
}

// Latency is one measured latency, over the whole run and by second.
type Latency struct {
	Name  string  `json:"name"` // "accepted", "decided", "channel shopee"
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
	// Histogram is an HdrHistogram, V2, compressed, base64, of microseconds. ""
	// when there is none.
	Histogram string `json:"histogram,omitempty"`
	// Over has the seconds with values only, in order.
	Over []Second `json:"over"`
}

// Second is what a latency was in one second, by the intended time.
type Second struct {
	At    float64 `json:"at"`
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// LatencyChannelPrefix begins the names of latencies of which there is one a
// channel.
const LatencyChannelPrefix = "channel "

// Names of Series that the report draws together.
const (
	SeriesIntended  = "intended" // orders a second
	SeriesSent      = "sent"
	SeriesDecided   = "decided"
	SeriesRefused   = "refused"
	SeriesLagPrefix = "lag " // and the stage: records

	// Of each node that was looked at, with its name; Unknown while it didn't
	// answer.
	SeriesMemoryPrefix      = "memory " // resident, MiB
	SeriesHeapPrefix        = "heap "   // Go's, in use, MiB
	SeriesGoroutinesPrefix  = "goroutines "
	SeriesDescriptorsPrefix = "descriptors " // of files and sockets, open
	SeriesDiskPrefix        = "disk "        // of its data directory, MiB
	// Of the brokers, with the kind of topics: changelogs, logs, public; all
	// replicas, MiB.
	SeriesBrokerPrefix = "broker "
)

// Unknown is the point of a Series of which nothing is known, and the value of a
// Threshold that wasn't measured. No figure is below zero.
const Unknown = -1

// Series is a figure over time.
type Series struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	// Points is one value a second, from second 0; Unknown where nobody looked.
	Points []float64 `json:"points"`
}

// Growth is what became of a figure that should be flat: its medians in the
// second and in the last fifth of the phases.
type Growth struct {
	Name string  `json:"name"` // of the Series
	Unit string  `json:"unit"`
	Then float64 `json:"then"` // Unknown where too little was seen of it
	Now  float64 `json:"now"`
}

// Audit is what the audit found after the run.
type Audit struct {
	Verdict       string           `json:"verdict"` // "pass" or "fail"
	Orders        int64            `json:"orders"`
	OversoldUnits int64            `json:"oversold_units"`
	Violations    map[string]int64 `json:"violations"` // by rule
	Seconds       float64          `json:"seconds"`
}
