package run

import (
	"fmt"
	"time"
)

// String is one line for a terminal.
func (p Progress) String() string {
	if p.End == 0 {
		if p.Lag >= 0 {
			return fmt.Sprintf("%s: %d records to go", p.Step, p.Lag)
		}
		return p.Step
	}
	lag := "unknown"
	if p.Lag >= 0 {
		lag = fmt.Sprint(p.Lag)
	}
	line := fmt.Sprintf("%s, %s left: %.0f orders/s, %d sent, %d answered, p99 %d ms, lag %s", p.Step,
		max(0, p.End-p.At).Round(time.Second), p.Rate, p.Sent, p.Answered, p.P99.Milliseconds(), lag)
	if p.Errors > 0 {
		line += fmt.Sprintf(", %d dead letters and failures", p.Errors)
	}
	if p.Behind > lateMin {
		line += fmt.Sprintf(", generator %d ms behind", p.Behind.Milliseconds())
	}
	return line
}
