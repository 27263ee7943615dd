package simulation

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// A record that can't be decided stops its partition, there and in every later
// life, and nothing else, whatever happens beside.
func TestHaltedPartitionStopsAlone(t *testing.T) {
	runSeeds(t, 40, func(seed uint64, trace io.Writer) *Simulation {
		s := New(seed, Draw, toys(), trace)
		inventory := s.Topology.Name(topology.LogInventory)
		s.MayHalt = func(tp processor.TopicPartition) bool { return tp.Topic == inventory }
		n, next := 0, toyFeed(rand.New(rand.NewPCG(seed, 1)), 200)
		s.Run(func(now record.Millis) (Input, bool) {
			in, ok := next(now)
			if n++; n == 60 {
				in.Value = []byte(poison)
			}
			return in, ok
		})
		s.Stop()
		s.Judge()
		s.judgeHalted()
		return s
	})
}

// judgeHalted: one partition has halted, and not gone past what halted it.
func (s *Simulation) judgeHalted() {
	if len(s.halted) != 1 {
		s.fail(RuleHalted, "%d partitions have halted", len(s.halted))
	}
	for tp := range s.halted {
		l := s.Broker.log(tp)
		consumed := s.Broker.group(s.Topology.Group(topology.StageInventory)).offsets[tp]
		if consumed >= l.end() {
			s.fail(RuleHalted, "%s/%d has gone on", tp.Topic, tp.Partition)
		}
		for o := l.firstVisible(0, consumed); o < consumed; o = l.firstVisible(o+1, consumed) {
			if strings.Contains(string(l.entries[o].value), poison) {
				s.fail(RuleHalted, "%s/%d has gone past offset %d", tp.Topic, tp.Partition, o)
			}
		}
	}
}
