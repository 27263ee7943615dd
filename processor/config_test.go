package processor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/topology"
)

// absent is a cluster that nobody asks.
type absent struct{ processor.Cluster }

func validConfig(t *testing.T) processor.Config {
	t.Helper()
	tc := topology.Default()
	tc.Channels = []string{"web"}
	top, err := topology.New(tc)
	require.NoError(t, err)
	c := processor.Default()
	c.Topology, c.Cluster, c.InstanceID, c.DataDir = top, absent{}, "node-1", "data"
	c.Stages = []processor.StageConfig{{Name: topology.StageInventory, Workers: 2, New: func(processor.TopicPartition) stage.Stage { return nil }}}
	return c
}

func TestConfigValidate(t *testing.T) {
	c := validConfig(t)
	require.NoError(t, c.Validate())

	f := func(change func(c *processor.Config), want string) {
		t.Helper()
		c := validConfig(t)
		change(&c)
		err := c.Validate()
		require.Error(t, err)
		require.Equal(t, want, err.Error())
		_, err = processor.NewNode(c)
		require.ErrorContains(t, err, want)
	}
	f(func(c *processor.Config) { c.Topology = nil }, "topology is missing")
	f(func(c *processor.Config) { c.Cluster = nil }, "cluster is missing")
	f(func(c *processor.Config) { c.InstanceID = "" }, "instance id is missing")
	f(func(c *processor.Config) { c.DataDir = "" }, "data directory is missing")
	f(func(c *processor.Config) { c.Stages = nil }, "no stage to run")
	f(func(c *processor.Config) { c.Stages[0].Workers = 0 }, "stage inventory: 0 workers, must be 1 to 256")
	f(func(c *processor.Config) { c.Stages[0].Workers = 257 }, "stage inventory: 257 workers, must be 1 to 256")
	f(func(c *processor.Config) { c.Stages[0].New = nil }, "stage inventory: nothing makes it")
	f(func(c *processor.Config) { c.Stages[0].Name = "shipping" }, `stage "shipping": unknown`)
	f(func(c *processor.Config) { c.PollRecordsMax = 0 }, "poll records max 0, must be above 0")
	f(func(c *processor.Config) { c.BatchRecordsMax = 0 }, "batch records max 0, must be above 0")
	f(func(c *processor.Config) { c.BatchBytesMax = 1023 }, "batch bytes max 1023, must be at least 1 KiB")
	f(func(c *processor.Config) { c.CommitIntervalMin = time.Second }, "commit interval min 1s is above max 100ms")
	f(func(c *processor.Config) { c.CommitIntervalMax = 6 * time.Second }, "commit interval max 6s, must be at most 5s (half of the transaction timeout)")
	f(func(c *processor.Config) { c.TickEvery = 0 }, "ticks every 0s, must be above 0")
	f(func(c *processor.Config) { c.ClockJumpMax = -1 }, "clock jump max -1ns, must be above 0")
	f(func(c *processor.Config) { c.RestoreStallMax = 0 }, "restore stall max 0s, must be above 0")
	f(func(c *processor.Config) { c.EndTimeout = 0 }, "end timeout 0s, must be above 0")

	none := processor.Config{}
	require.Len(t, strings.Split(none.Validate().Error(), "\n"), 12, "all problems at once: %v", none.Validate())
}
