package run

import (
	"time"

	"holdfast/loadtest/report"
)

// lateMin is from when on a record counts as late: less is the machine's timers.
const lateMin = 100 * time.Millisecond

// behind is how late the generator sent. It is for one goroutine.
type behind struct {
	records, late int64
	worst         time.Duration
	seconds       []bool // with a late record, by intended second
}

func (b *behind) note(intended, sent time.Duration) {
	b.records++
	lag := sent - intended
	b.worst = max(b.worst, lag)
	if lag <= lateMin {
		return
	}
	b.late++
	b.seconds = grow(b.seconds, second(intended))
	b.seconds[second(intended)] = true
}

func (b *behind) report() report.Behind {
	r := report.Behind{MaxMillis: millis(b.worst), RecordsLate: b.late}
	for _, late := range b.seconds {
		if late {
			r.Seconds++
		}
	}
	if b.records > 0 {
		r.Share = float64(b.late) / float64(b.records)
	}
	return r
}

// second is the number of the second that a time is in.
func second(at time.Duration) int { return int(max(0, at) / time.Second) }

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// grow makes list so long that it has an element i.
func grow[T any](list []T, i int) []T {
	for len(list) <= i {
		var zero T
		list = append(list, zero)
	}
	return list
}
