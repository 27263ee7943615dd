package bench

import (
	"fmt"
	"io"
)

// WriteText tells the result in words.
func (r *Result) WriteText(w io.Writer) error {
	if r.Restored != nil {
		return r.writeRestored(w)
	}
	what := "lines"
	if r.Records != r.Lines || r.Stages != nil {
		what = fmt.Sprintf("orders of %d lines", r.Lines)
	}
	_, err := fmt.Fprintf(w, "%s: %d %s in %.2f s: %.0f a second, %.0f per core-second, peak RSS %d MiB, %d transactions of %.1f ms",
		r.Bench, r.Records, what, r.Seconds, r.PerSecond, r.PerCoreSecond, r.RSSMiB, r.Transactions, r.CommitMillis)
	if err == nil && r.Accepted != nil {
		_, err = fmt.Fprintf(w, ", %d accepted, %d rejected", *r.Accepted, *r.Rejected)
	}
	if err == nil && r.Stages != nil {
		_, err = fmt.Fprintf(w, ", %d updates to the channel", r.ChannelUpdates)
	}
	if err == nil {
		_, err = fmt.Fprintln(w)
	}
	for _, s := range r.Stages {
		if err == nil {
			_, err = fmt.Fprintf(w, "  %-9s %d records in, %d transactions of %.1f ms\n", s.Stage, s.Records, s.Transactions, s.CommitMillis)
		}
	}
	if err == nil && r.Pipe != nil {
		of := func(figure, limit float64) float64 { return 100 * figure / limit }
		lines := float64(r.Lines)
		_, err = fmt.Fprintf(w, "  the bare pipe: %.0f lines a second, %.0f per core-second; this is %.0f %% and %.0f %% of it\n", r.Pipe.PerSecond, r.Pipe.PerCoreSecond,
			of(lines/r.Seconds, r.Pipe.PerSecond), of(lines/r.CPUSeconds, r.Pipe.PerCoreSecond))
	}
	return err
}

func (r *Result) writeRestored(w io.Writer) error {
	d := r.Restored
	_, err := fmt.Fprintf(w, "restore: %d holds in %.2f s: %.0f a second, %.0f per core-second, peak RSS %d MiB; running %.2f s after the node's start\n"+
		"  %d partitions, %d deltas of %.1f MiB, %.1f times the state: %.1f MiB/s; the state has %d keys of %.1f MiB, and is the same as before\n",
		r.Records, r.Seconds, r.PerSecond, r.PerCoreSecond, r.RSSMiB, d.Ready,
		d.Partitions, d.Deltas, mib(d.Bytes), float64(d.Bytes)/float64(d.StateBytes), mib(d.Bytes)/r.Seconds, d.Keys, mib(d.StateBytes))
	return err
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
