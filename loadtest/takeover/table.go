package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// report is all that was measured, and on what.
type report struct {
	At         string `json:"at"`
	CPUs       int    `json:"cpus"`
	LoadBefore string `json:"load_before,omitempty"` // the machine's load averages, of 1, 5 and 15 minutes
	LoadAfter  string `json:"load_after,omitempty"`
	Holds      int    `json:"holds"`
	Rate       int    `json:"rate"`
	Rows       []*row `json:"rows"`
	Missed     int    `json:"missed"` // targets of Holdfast's
}

// row is one drill.
type row struct {
	Drill    string              `json:"drill"`
	Standbys int                 `json:"standbys"`
	Target   float64             `json:"target_seconds,omitempty"` // 0: there is none
	Runs     map[string][]figure `json:"runs"`                     // by contender
	Medians  map[string]float64  `json:"median_seconds"`
}

// rows are the table's, in its order. A target that holds with and without
// standbys is measured in both.
func rows() []*row {
	var all []*row
	for _, standbys := range []int{1, 0} {
		kill := 15.0
		if standbys > 0 {
			kill = 10
		}
		all = append(all,
			&row{Drill: killed, Standbys: standbys, Target: kill},
			&row{Drill: returned, Standbys: standbys},
			&row{Drill: restarted, Standbys: standbys, Target: 3},
			&row{Drill: rolled, Standbys: standbys, Target: 2})
		if standbys > 0 {
			all = append(all, &row{Drill: lagging, Standbys: standbys, Target: 1})
		}
	}
	return all
}

func meaning(drill string) string {
	switch drill {
	case killed:
		return "kill -9 of a node: nothing of a partition decided for"
	case returned:
		return "the killed node comes back: nothing of a partition decided for"
	case restarted:
		return "kill -9, started again at once: from its start until all partitions decide"
	case rolled:
		return "both nodes restarted one by one: nothing of a partition decided for"
	default:
		return "standby behind its changelog, p99"
	}
}

func (r *report) add(d *drill) {
	if r.Rows == nil {
		r.Rows = rows()
	}
	for _, row := range r.Rows {
		if got := d.figures[row.Drill]; len(got) > 0 && row.Standbys == d.standbys {
			if row.Runs == nil {
				row.Runs, row.Medians = map[string][]figure{}, map[string]float64{}
			}
			row.Runs[d.who.name()] = got
		}
	}
}

// fill computes medians, and drops what wasn't done.
func (r *report) fill() {
	r.Rows = slices.DeleteFunc(r.Rows, func(row *row) bool { return len(row.Runs) == 0 })
	for _, row := range r.Rows {
		for name, runs := range row.Runs {
			row.Medians[name] = median(runs)
		}
		if got, ok := row.Medians["Holdfast"]; ok && row.Target > 0 && got > row.Target {
			r.Missed++
		}
	}
}

func median(runs []figure) float64 {
	var all []float64
	for _, f := range runs {
		all = append(all, f.Seconds)
	}
	slices.Sort(all)
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2
	}
	return all[len(all)/2]
}

func (r *report) write(out io.Writer) error {
	fmt.Fprintf(out, "%s, %d CPUs, load averages before: %s, after: %s\n", r.At, r.CPUs, r.LoadBefore, r.LoadAfter)
	fmt.Fprintf(out, "two nodes, %d partitions, %d open holds, %d orders/s, seconds: median (all runs)\n\n", partitions, r.Holds, r.Rate)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "standbys\tfault\tHoldfast\tKafka Streams\ttarget")
	for _, row := range r.Rows {
		target := "-"
		if row.Target > 0 {
			target = fmt.Sprintf("%g", row.Target)
			if got, ok := row.Medians["Holdfast"]; ok && got > row.Target {
				target += " MISSED"
			}
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", row.Standbys, meaning(row.Drill), row.text("Holdfast"), row.text("Kafka Streams"), target)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

func (r *row) text(name string) string {
	runs := r.Runs[name]
	if len(runs) == 0 {
		return "-"
	}
	text := fmt.Sprintf("%.1f (", r.Medians[name])
	for i, f := range runs {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprintf("%.1f", f.Seconds)
	}
	return text + ")"
}
