package run

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"holdfast/loadtest/report"
)

// lagEvery is how often the lags are looked at.
const lagEvery = time.Second

// lags are the records that each stage hasn't consumed, by second. They are
// distances of offsets, less the one that the marker of a transaction takes at the
// end of each partition: a few markers among the records count as records.
type lags struct {
	system *System
	stages map[string][]float64
	last   int64 // of all stages; -1: not known
}

func newLags(s *System) *lags {
	l := &lags{system: s, stages: map[string][]float64{}, last: -1}
	for i := range s.Topology.Stages {
		l.stages[s.Topology.Stages[i].Name] = nil
	}
	return l
}

// measure asks for the offsets. Who doesn't answer in time, as brokers do that
// are just being killed, isn't known.
func (l *lags) measure(ctx context.Context) (map[string]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*lagEvery)
	defer cancel()
	admin := kadm.NewClient(l.system.Client)
	t := l.system.Topology
	var names []string
	for i := range t.Stages {
		for _, short := range t.Stages[i].Inputs {
			names = append(names, t.Name(short))
		}
	}
	// Offsets first: what is consumed meanwhile can't make a lag negative.
	committed := map[string]kadm.OffsetResponses{}
	for i := range t.Stages {
		offsets, err := admin.FetchOffsets(ctx, t.Stages[i].Group)
		if err != nil {
			return nil, fmt.Errorf("reading the offsets of group %s: %w", t.Stages[i].Group, err)
		}
		committed[t.Stages[i].Name] = offsets
	}
	ends, err := admin.ListEndOffsets(ctx, names...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ends of the inputs: %w", err)
	}
	out := map[string]int64{}
	for i := range t.Stages {
		s := &t.Stages[i]
		out[s.Name] = 0
		for _, short := range s.Inputs {
			for _, end := range ends[t.Name(short)] {
				at, ok := committed[s.Name].Lookup(end.Topic, end.Partition)
				switch {
				case !ok: // nothing consumed yet
					out[s.Name] += end.Offset
				case short == s.Log:
					out[s.Name] += max(0, end.Offset-at.At-1)
				default:
					out[s.Name] += max(0, end.Offset-at.At)
				}
			}
		}
	}
	return out, nil
}

// note keeps what was measured in a second; nil: nothing is known of it.
func (l *lags) note(at time.Duration, lag map[string]int64) {
	i := second(at)
	l.last = -1
	if lag != nil {
		l.last = 0
	}
	for name, points := range l.stages {
		for len(points) < i {
			points = append(points, report.Unknown)
		}
		value := float64(report.Unknown)
		if lag != nil {
			value = float64(lag[name])
			l.last += lag[name]
		}
		if len(points) == i {
			points = append(points, value)
		} else {
			points[i] = max(points[i], value)
		}
		l.stages[name] = points
	}
}

// most is the largest lag of a stage at any second.
func (l *lags) most() (most float64) {
	for _, points := range l.stages {
		for _, p := range points {
			most = max(most, p)
		}
	}
	return most
}
