package run

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgressLine(t *testing.T) {
	require.Equal(t, "auditing", Progress{Step: "auditing", Lag: -1}.String())
	require.Equal(t, "draining: 12 records to go", Progress{Step: "draining", Lag: 12}.String())
	p := Progress{Step: "plateau", At: 10 * time.Second, End: 70 * time.Second, Rate: 2000, Sent: 20_000, Answered: 19_990, P99: 80 * time.Millisecond, Lag: -1, Behind: 3 * time.Millisecond}
	require.Equal(t, "plateau, 1m0s left: 2000 orders/s, 20000 sent, 19990 answered, p99 80 ms, lag unknown", p.String())
	p.Lag, p.Errors, p.Behind = 7, 2, 300*time.Millisecond
	require.Equal(t, "plateau, 1m0s left: 2000 orders/s, 20000 sent, 19990 answered, p99 80 ms, lag 7, 2 dead letters and failures, generator 300 ms behind", p.String())
}

func TestPhasesAndTheirSeries(t *testing.T) {
	require.Equal(t, []float64{1, 2, -1, -1}, padded([]float64{1, 2}, 4, -1))
	require.Equal(t, []float64{1}, padded([]float64{1, 2}, 1, 0))
	l := &lags{stages: map[string][]float64{"orders": nil}}
	l.note(0, map[string]int64{"orders": 3})
	l.note(2500*time.Millisecond, map[string]int64{"orders": 9})
	l.note(2900*time.Millisecond, map[string]int64{"orders": 4})
	l.note(3*time.Second, nil)
	require.Equal(t, []float64{3, -1, 9, -1}, l.stages["orders"], "the most of a second; what nobody looked at isn't known")
	require.EqualValues(t, -1, l.last)
	require.EqualValues(t, 9, l.most())
}
