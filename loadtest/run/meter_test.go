package run

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/loadtest/report"
	"holdfast/topology/record"
)

func TestMeter(t *testing.T) {
	m := newMeter("accepted", nil)
	require.Empty(t, m.report().Over)
	for i := range 1000 { // 1 to 1000 ms in second 2
		m.note(2*time.Second, 2*time.Second+time.Duration(i+1)*time.Millisecond)
	}
	m.note(5*time.Second, 4*time.Second) // clocks differ
	m.note(9*time.Second, 48*time.Hour)
	l := m.report()
	require.EqualValues(t, 1002, l.Count)
	require.InEpsilon(t, 500, l.P50, 0.01)
	require.InEpsilon(t, 990, l.P99, 0.01)
	require.InEpsilon(t, 3_600_000, l.Max, 0.01)
	h, err := l.Decode()
	require.NoError(t, err)
	require.EqualValues(t, 1002, h.TotalCount())
	require.Len(t, l.Over, 3)
	require.Equal(t, []float64{2, 5, 9}, []float64{l.Over[0].At, l.Over[1].At, l.Over[2].At})
	require.EqualValues(t, 1000, l.Over[0].Count)
	require.InEpsilon(t, 500, l.Over[0].P50, 0.035)
	require.InEpsilon(t, 990, l.Over[0].P99, 0.035)
	require.Equal(t, 1000.0, l.Over[0].Max)
}

// A day has too many seconds for a histogram of each: old ones are closed, and
// what still comes of them counts.
func TestMeterOfALongRun(t *testing.T) {
	m := newMeter("accepted", nil)
	for i := range 2000 {
		at := time.Duration(i) * time.Second
		m.note(at, at+10*time.Millisecond)
		if i == 300 {
			m.note(0, at) // five minutes late, in a second that is open
		}
		if i == 1000 {
			m.note(0, at)
		}
	}
	m.note(5000*time.Second, 5001*time.Second)
	open := 0
	for i := range m.seconds {
		if m.seconds[i].open != nil {
			open++
		}
	}
	require.LessOrEqual(t, open, openSeconds)
	l := m.report()
	require.EqualValues(t, 2003, l.Count)
	require.Len(t, l.Over, 2001)
	require.Equal(t, report.Second{At: 0, Count: 3, P50: l.Over[0].P50, P99: 300_000, Max: 1_000_000}, l.Over[0])
	require.Equal(t, report.Second{At: 5000, Count: 1, P50: 1000, P99: 1000, Max: 1000}, l.Over[2000])
	require.Equal(t, l, m.report(), "telling changes nothing")
}

// A second's figures are never below the true ones, and 3 % above at most.
func TestCoarseIsCloseAbove(t *testing.T) {
	for d := 64 * time.Microsecond; d < time.Hour; d += d/50 + 7*time.Microsecond {
		c := coarse{}
		c.note(d)
		c.max = 2 * time.Hour
		got := c.quantile(0.99)
		require.GreaterOrEqual(t, got, d)
		require.LessOrEqual(t, float64(got), 1.033*float64(d), "%v", d)
	}
}

func TestPending(t *testing.T) {
	p := newPending()
	for i := range 1000 {
		p.sent(record.OrderKey(fmt.Sprintf("web/main/W-%05d", i)), time.Duration(i))
	}
	_, ours, _ := p.seen([]byte("web/main/other"), true)
	require.False(t, ours)
	at, ours, first := p.seen([]byte("web/main/W-00007"), false)
	require.Equal(t, []any{time.Duration(7), true, true}, []any{at, ours, first})
	_, ours, first = p.seen([]byte("web/main/W-00007"), true)
	require.Equal(t, []bool{true, false}, []bool{ours, first})
	_, ours, _ = p.seen([]byte("web/main/W-00007"), true)
	require.False(t, ours, "what is answered is forgotten")
	p.seen([]byte("web/main/W-00000"), false)
	n, example := p.unanswered()
	require.EqualValues(t, 998, n)
	require.EqualValues(t, "web/main/W-00001", example)
	most := 0
	for i := range p.parts {
		most = max(most, len(p.parts[i].orders))
	}
	require.Less(t, most, 200, "keys spread")
}

// What is taken from a record's bytes is what a JSON reader would take.
func TestText(t *testing.T) {
	value := []byte(`{"holdfast":1,"order_key":"web/main/\"type\":\"x\"","seq":1,"type":"order.accepted","status":"partly_short","lines":[{"state":"held"}]}`)
	require.Equal(t, "order.accepted", string(text(value, `"type":"`)))
	require.Equal(t, "partly_short", string(text(value, `"status":"`)))
	require.Empty(t, text(value, `"at":"`))
	require.Empty(t, text([]byte(`{"type":"`), `"type":"`))
}
