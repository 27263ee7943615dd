package simulation

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// TestStart shows where a task goes on, or why it doesn't, when it starts on
// what it finds: its store, its changelog, the group's offset, the log.
//
//	feed N                 N records, and time to decide them
//	append N               N records, and nobody to decide them
//	stop | crash | start   the process; start tells what comes of it
//	group OFFSET|none      somebody sets the group's offset
//	trim changelog|log N   the log then starts at N
//	cut changelog N        it then ends at N
//	hang [for-ever]        somebody's transaction on the changelog stays open
//	skew SECONDS           the log's leader is ahead of the node's clock
//	disk empty|corrupt|foreign    what the process finds the next time
func TestStart(t *testing.T) {
	datadriven.Walk(t, "testdata/start", func(t *testing.T, path string) {
		s := newSingle(t)
		defer func() { s.loop.Crash() }()
		topic := func(short string) processor.TopicPartition {
			return processor.TopicPartition{Topic: s.cfg.Topology.Name(short)}
		}
		group := s.broker.group(s.cfg.Topology.Group(singleStage))
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			arg := func(i int) string { return d.CmdArgs[i].Key }
			number := func(i int) (n int) {
				_, err := fmt.Sscan(arg(i), &n)
				require.NoError(t, err)
				return n
			}
			switch d.Cmd {
			case "feed":
				for range number(0) {
					s.feed("v")
				}
				s.rest(t)
				return s.standing()
			case "append":
				for range number(0) {
					s.feed("v")
				}
			case "stop":
				require.NoError(t, s.loop.Stop())
			case "crash":
				s.disk = s.disk.CrashClone(vfs.CrashCloneCfg{})
				s.loop.Crash()
			case "start":
				s.start(t)
				return s.standing()
			case "group":
				if arg(0) == "none" {
					delete(group.offsets, topic(topology.LogInventory))
				} else {
					group.offsets[topic(topology.LogInventory)] = record.Offset(number(0))
				}
			case "trim":
				log := map[string]string{"log": topology.LogInventory, "changelog": topology.Changelog(singleStage)}[arg(0)]
				s.broker.log(topic(log)).trim(record.Offset(number(1)))
			case "cut":
				l := s.broker.log(topic(topology.Changelog(singleStage)))
				l.entries = l.entries[:number(1)]
			case "hang":
				forEver := record.Millis(0)
				if len(d.CmdArgs) > 0 {
					forEver = 1e9
				}
				s.broker.transactions++
				h := &transaction{producer: &producer{id: "somebody"}, begun: s.broker.clock() + forEver, first: map[*partitionLog]record.Offset{}}
				s.broker.open = append(s.broker.open, h)
				s.broker.add(h, &processor.Out{TopicPartition: topic(topology.Changelog(singleStage)), Value: []byte("never committed")})
			case "skew":
				ahead := record.Millis(1000 * number(0))
				s.faults.Skew = func(processor.TopicPartition) record.Millis { return ahead }
			case "disk":
				s.spoil(t, arg(0))
			default:
				d.Fatalf(t, "unknown command %s", d.Cmd)
			}
			return ""
		})
	})
}

// standing tells where the partition stands.
func (s *single) standing() string {
	var b strings.Builder
	for _, line := range s.events {
		fmt.Fprintln(&b, line)
	}
	s.events = nil
	for _, st := range s.node.Status() {
		fmt.Fprintf(&b, "%s", st.Phase)
		if st.Reason != "" {
			reason, _, _ := strings.Cut(st.Reason, "\n")
			fmt.Fprintf(&b, ": %s", reason)
		}
		fmt.Fprintln(&b)
	}
	group := s.broker.group(s.cfg.Topology.Group(singleStage))
	log := s.broker.log(processor.TopicPartition{Topic: s.cfg.Topology.Name(topology.LogInventory)})
	offset, ok := group.offsets[log.tp]
	fmt.Fprintf(&b, "group at %d (%v), log %d to %d, decided %s\n", offset, ok, log.start, log.end(), s.decided())
	return b.String()
}

// spoil changes what the next life finds on its disk.
func (s *single) spoil(t *testing.T, how string) {
	switch how {
	case "empty":
		s.disk = vfs.NewCrashableMem()
	case "foreign":
		s.cfg.TopicIDs = map[string][16]byte{s.cfg.Topology.Name(topology.Changelog(singleStage)): topicID("made anew")}
	case "corrupt":
		dir := "data/" + singleStage + "/0/pebble"
		names, err := s.disk.List(dir)
		require.NoError(t, err)
		for _, name := range names {
			if strings.HasPrefix(name, "MANIFEST") {
				f, err := s.disk.Create(dir+"/"+name, vfs.WriteCategoryUnspecified)
				require.NoError(t, err)
				_, err = io.WriteString(f, "not a manifest")
				require.NoError(t, err)
				require.NoError(t, f.Close())
			}
		}
	default:
		t.Fatalf("unknown disk %s", how)
	}
}
