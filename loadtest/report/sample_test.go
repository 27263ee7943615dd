package report

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Times of the sample run.
const (
	sampleWarm    = 20
	sampleRush    = 60 // where the rate has grown
	samplePhases  = 150
	sampleSeconds = 165
	sampleFault   = 80
	sampleRestore = 92
)

// sample is a believable run: a warm-up, a climb and a rush, with a broker that
// is killed in the rush. slower multiplies its latencies; seed makes runs differ
// as two runs of the same system do.
func sample(seed uint64, slower float64) *Result {
	rnd := rand.New(rand.NewPCG(seed, 11))
	r := &Result{Version: Version, Scenario: "rush with a broker killed", Seed: 11, Seconds: sampleSeconds,
		Started: time.Date(2026, 11, 11, 0, 0, 5, 0, time.UTC), Verdict: NoGo,
		Text:    "name: rush with a broker killed\nphases:\n  - name: warm up\n    for: 20s\n    rate: 200/s\n  - name: climb\n    for: 40s\n    rate: 200/s to 600/s\n  - name: rush\n    for: 90s\n    rate: 600/s\nfaults:\n  - at: 80s\n    kill: broker 1\n",
		Phases:  []Phase{{"warm up", 0, sampleWarm, 200, 200}, {"climb", sampleWarm, sampleRush, 200, 600}, {"rush", sampleRush, samplePhases, 600, 600}},
		Markers: []Marker{{sampleFault, MarkerFault, "broker 1 of 3 killed"}, {sampleRestore, MarkerRestore, "broker 1 started again"}},
		Outages: []Outage{{sampleFault, sampleRestore + 8, 11_520, 6012}},
		Behind:  Behind{MaxMillis: 143, Seconds: 1, RecordsLate: 212, Share: 0.0011},
		Audit:   &Audit{Verdict: auditPass, Orders: 176_000, Violations: map[string]int64{}, Seconds: 4.2}}
	accepted := sampleLatency(rnd, "accepted", 18*slower, 1)
	decided := sampleLatency(rnd, "decided", 31*slower, 1)
	shopee := sampleLatency(rnd, "channel shopee", 240*slower, 0.2)
	r.Latencies = []Latency{accepted, decided, shopee}
	r.Series = sampleSeries(rnd)
	sent := accepted.Count
	r.Totals = Totals{OrdersSent: sent, RecordsSent: sent * 12 / 10, Duplicates: sent / 50, Broken: 40, Accepted: sent * 92 / 100,
		Short: sent * 5 / 100, Rejected: sent - sent*92/100 - sent*5/100, Expired: sent / 30, Cancelled: sent / 60, Shipped: sent / 2,
		Returned: 310, DeadLetters: 40, OrderEvents: sent * 23 / 10, ChannelUpdates: shopee.Count * 31}
	r.Audit.Orders = sent
	p99 := Threshold{Name: "accepted p99", Limit: 500, Value: accepted.P99, Unit: "ms", Kept: accepted.P99 <= 500}
	r.Thresholds = []Threshold{p99,
		{Name: "decided p50", Limit: 100, Value: decided.P50, Unit: "ms", Kept: decided.P50 <= 100},
		{Name: "decided rate in rush", Limit: 570, Value: 597, Unit: "/s", Kept: true},
		{Name: "orders without an event", Limit: 0, Value: 0, Unit: "orders", Kept: true}}
	if !p99.Kept {
		r.Reasons = []string{"accepted p99 was " + millis(p99.Value) + ", the limit is 500 ms."}
	}
	return r
}

func sampleRate(at int) float64 {
	switch {
	case at < sampleWarm:
		return 200
	case at < sampleRush:
		return 200 + 400*float64(at-sampleWarm)/(sampleRush-sampleWarm)
	case at < samplePhases:
		return 600
	}
	return 0
}

// sampleStall is how much longer, in milliseconds, an order of this second takes
// because of the fault.
func sampleStall(at int) float64 {
	if at < sampleFault || at >= sampleRestore {
		return 0
	}
	return 6000 * float64(sampleRestore-at) / (sampleRestore - sampleFault)
}

func sampleLatency(rnd *rand.Rand, name string, median, part float64) Latency {
	l := Latency{Name: name}
	all := hdrhistogram.New(1, 3_600_000_000, 3)
	for at := range samplePhases {
		second := hdrhistogram.New(1, 3_600_000_000, 3)
		load := 1 + 0.6*sampleRate(at)/600
		for range int(math.Round(sampleRate(at) * part)) {
			ms := median * load * math.Exp(0.45*rnd.NormFloat64())
			if rnd.Float64() < 0.004 {
				ms += 150 * rnd.ExpFloat64() // a commit that waited for its turn
			}
			ms += sampleStall(at) * (0.4 + 0.6*rnd.Float64())
			micros := int64(ms * microsInMilli)
			_, _ = second.RecordValue(micros), all.RecordValue(micros)
		}
		if second.TotalCount() > 0 {
			l.Over = append(l.Over, Second{float64(at), second.TotalCount(), percentileOf(second, 50), percentileOf(second, 99), percentileOf(second, 100)})
		}
	}
	l.Count, l.Histogram = all.TotalCount(), EncodeHistogram(all)
	l.P50, l.P90, l.P99, l.P999, l.Max = percentileOf(all, 50), percentileOf(all, 90), percentileOf(all, 99), percentileOf(all, 99.9), percentileOf(all, 100)
	return l
}

func percentileOf(h *hdrhistogram.Histogram, percentile float64) float64 {
	return float64(h.ValueAtPercentile(percentile)) / microsInMilli
}

func sampleSeries(rnd *rand.Rand) []Series {
	intended := Series{Name: SeriesIntended, Unit: "/s"}
	sent, decided, refused := Series{Name: SeriesSent, Unit: "/s"}, Series{Name: SeriesDecided, Unit: "/s"}, Series{Name: SeriesRefused, Unit: "/s"}
	var lags []Series
	for _, stage := range []string{"intake", "orders", "inventory", "channels"} {
		lags = append(lags, Series{Name: SeriesLagPrefix + stage, Unit: "records"})
	}
	waiting := 0.0
	for at := range sampleSeconds {
		rate := sampleRate(at)
		now := math.Round(rate * (1 + 0.02*rnd.NormFloat64()))
		waiting += now
		able := 1100.0
		if at >= sampleFault && at < sampleRestore-4 {
			able = 120
		}
		done := math.Round(min(waiting, able) * (1 - 0.03*rnd.Float64()))
		waiting -= done
		intended.Points, sent.Points, decided.Points = append(intended.Points, rate), append(sent.Points, now), append(decided.Points, done)
		refusedNow := 0.0
		if at > 110 {
			refusedNow = math.Round(done * (0.04 + 0.03*rnd.Float64()))
		}
		refused.Points = append(refused.Points, refusedNow)
		for i := range lags {
			lag := math.Round(waiting*[]float64{0.1, 0.25, 1, 0.4}[i] + 4 + rate*0.01*float64(i+1)*(1+rnd.Float64()))
			if at%5 == 0 && i == 3 {
				lag = Unknown
			}
			lags[i].Points = append(lags[i].Points, lag)
		}
	}
	return append(append([]Series{intended, sent, decided, refused}, lags...), sampleNodes(rnd)...)
}

// sampleNodes are two nodes that were looked at, one of which the fault hit, and
// the disks.
func sampleNodes(rnd *rand.Rand) (all []Series) {
	for _, f := range []struct {
		prefix, unit string
		of           func(at int) float64
	}{
		{SeriesMemoryPrefix, "MiB", func(at int) float64 { return 380 + 20*rnd.Float64() + float64(at)/20 }},
		{SeriesHeapPrefix, "MiB", func(int) float64 { return 90 + 60*rnd.Float64() }},
		{SeriesGoroutinesPrefix, "", func(int) float64 { return math.Round(140 + 6*rnd.Float64()) }},
		{SeriesDescriptorsPrefix, "", func(int) float64 { return math.Round(230 + 20*rnd.Float64()) }},
		{SeriesDiskPrefix, "MiB", func(at int) float64 { return 60 + float64(at%40) }},
	} {
		for i, node := range []string{"a", "b"} {
			s := Series{Name: f.prefix + node, Unit: f.unit}
			for at := range sampleSeconds {
				v := f.of(at) * (1 - 0.2*float64(i))
				if i == 1 && at >= sampleFault && at < sampleRestore {
					v = Unknown
				}
				s.Points = append(s.Points, v)
			}
			all = append(all, s)
		}
	}
	for i, kind := range []string{"changelogs", "logs", "public"} {
		s := Series{Name: SeriesBrokerPrefix + kind, Unit: "MiB"}
		for at := range sampleSeconds {
			s.Points = append(s.Points, float64(200-30*i)+float64(i*at))
		}
		all = append(all, s)
	}
	return all
}
