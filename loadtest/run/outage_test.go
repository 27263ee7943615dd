package run

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/report"
	"holdfast/loadtest/scenario"
)

func TestOutages(t *testing.T) {
	s := &scenario.Scenario{Faults: []scenario.Fault{
		{At: scenario.Span(10 * time.Second), Outage: scenario.Span(5 * time.Second)},
		{At: scenario.Span(12 * time.Second)},
		{At: scenario.Span(30 * time.Second), Outage: scenario.Span(time.Second)},
	}}
	all := newOutages(s)
	require.Len(t, all, 2)
	for _, c := range []struct {
		intended, seen float64
		hit            int // -1: none
	}{
		{3, 9.999, -1}, {9, 10, 0}, {1, 60, 0}, {11, 12, 0}, {14.999, 20, 0}, {15, 20, -1}, {30.5, 40, 1}, {31, 31, -1},
	} {
		var want *outage
		if c.hit >= 0 {
			want = &all[c.hit]
		}
		at := func(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
		require.Same(t, want, all.hit(at(c.intended), at(c.seen)), "%v", c)
	}
	require.Nil(t, outages(nil).hit(0, time.Hour))
}

// What an outage hit is judged by its threshold alone, and told with all else.
func TestMeterDuringAnOutage(t *testing.T) {
	all := newOutages(&scenario.Scenario{Faults: []scenario.Fault{{At: scenario.Span(10 * time.Second), Outage: scenario.Span(5 * time.Second)}}})
	accepted, channel := newMeter("accepted", all), newMeter("channel web", all)
	for at := range 1000 {
		require.Nil(t, accepted.note(0, time.Duration(at+1)*time.Millisecond))
	}
	require.Same(t, &all[0], accepted.note(11*time.Second, 18*time.Second))
	require.Same(t, &all[0], channel.note(11*time.Second, 20*time.Second))
	told, judged := accepted.report(), accepted.judged()
	require.EqualValues(t, 1001, told.Count)
	require.InEpsilon(t, 7000, told.Max, 0.01)
	require.EqualValues(t, 1000, judged.Count)
	require.InEpsilon(t, 1000, judged.Max, 0.01)
	require.InEpsilon(t, 990, judged.P99, 0.01)
	require.Zero(t, channel.judged().Count)
	require.Equal(t, []report.Outage{{From: 10, To: 15, MaxMillis: 9000}}, all.report())

	plain := newMeter("accepted", nil)
	plain.note(0, time.Second)
	require.EqualValues(t, 1, plain.judged().Count)
}

// The watcher counts the orders that waited, each once.
func TestWatcherCountsWhoWaits(t *testing.T) {
	all := newOutages(&scenario.Scenario{Faults: []scenario.Fault{{At: scenario.Span(10 * time.Second), Outage: scenario.Span(5 * time.Second)}}})
	w := &watcher{begun: time.Now(), pending: newPending(), accepted: newMeter("accepted", all), decided: newMeter("decided", all), channels: map[string]*meter{}, outages: all}
	w.pending.sent("web/main/1", 9*time.Second)
	w.pending.sent("web/main/2", time.Second)
	w.order(event("web/main/2", "order.accepted"), 2*time.Second)
	w.order(event("web/main/1", "order.refused"), 11*time.Second)
	w.order(event("web/main/1", "order.accepted"), 12*time.Second)
	require.Equal(t, []report.Outage{{From: 10, To: 15, Orders: 1, MaxMillis: 3000}}, all.report())
	w.urgent("web", []byte(`{"at":"`+w.begun.Add(12*time.Second).Format(time.RFC3339Nano)+`"}`), 16*time.Second)
	require.Equal(t, 4.0, math.Round(all.report()[0].MaxMillis/1000), "an update counts too, and is no order")
	require.EqualValues(t, 1, all.report()[0].Orders)
}

func event(key, what string) *kgo.Record {
	return &kgo.Record{Key: []byte(key), Value: []byte(`{"type":"` + what + `","status":"allocated"}`)}
}
