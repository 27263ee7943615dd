package simulation

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// A record that can't be decided stops its partition, there and in every later
// life, and nothing else, whatever happens beside.
func TestHaltedPartitionStopsAlone(t *testing.T) {
	all := runSeeds(t, 40, func(seed uint64, trace io.Writer) *Simulation {
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
		return s
	})
	for _, s := range all {
		require.Len(t, s.halted, 1)
		for tp := range s.halted {
			consumed := s.Broker.group(s.Topology.Group(topology.StageInventory)).offsets[tp]
			l := s.Broker.log(tp)
			for o := l.firstVisible(0, consumed); o < consumed; o = l.firstVisible(o+1, consumed) {
				require.NotContains(t, string(l.entries[o].value), poison)
			}
			require.Less(t, consumed, l.end())
		}
	}
}
