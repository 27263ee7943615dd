package topology

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run with -update after a change that is meant")
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden files anew")
	flag.Parse()
	os.Exit(m.Run())
}

func TestPrint(t *testing.T) {
	c := Default()
	c.Channels = []string{"shopee", "web"}
	topo, err := New(c)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, topo.Print(&b))
	golden(t, "topology.txt", b.Bytes())
	j, err := json.MarshalIndent(topo, "", " ")
	require.NoError(t, err)
	golden(t, "topology.json", append(j, '\n'))
}

// TestPictureOfTheReadme: the README's picture is this topology's.
func TestPictureOfTheReadme(t *testing.T) {
	topo, err := New(Default())
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, topo.Draw(&b))
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "```mermaid\n"+b.String()+"```\n", "holdfast topology --output mermaid prints it")
}

func TestDefault(t *testing.T) {
	topo, err := New(Default())
	require.NoError(t, err)
	require.Len(t, topo.Topics, 9*3+2+3+3+3+2+3)
	require.Equal(t, []string{"log.orders", "log.inventory", "log.availability"}, topo.Logs())
	require.Equal(t, "holdfast.channel.pos.orders", topo.Lookup("channel.pos.orders").Name)
	require.Equal(t, "604800000", topo.Lookup("order.events").Configs["retention.ms"])
	require.Nil(t, topo.Lookup("nope"))
	require.Nil(t, topo.Stage("nope"))
	require.Empty(t, topo.Stage("intake").Changelog)
	require.Equal(t, "holdfast.inventory", topo.Group("inventory"))
	require.Equal(t, "holdfast.orders.node-1.2", topo.TransactionalID("orders", "node-1", 2))
	short, ok := topo.Short("holdfast.log.orders")
	require.True(t, ok)
	require.Equal(t, "log.orders", short)
	for _, foreign := range []string{"", "holdfast", "holdfast.", "other.log.orders", "holdfastlog.orders"} {
		_, ok = topo.Short(foreign)
		require.False(t, ok, foreign)
	}
}

func TestForBrokers(t *testing.T) {
	for n, want := range map[int][2]int{0: {1, 1}, 1: {1, 1}, 2: {3, 2}, 3: {3, 2}, 9: {3, 2}} {
		c := Default().ForBrokers(n)
		require.Equal(t, want, [2]int{int(c.Replication), c.MinInsync}, "%d brokers", n)
		require.NoError(t, c.Validate())
	}
}

func TestConfigReportsAllProblemsAtOnce(t *testing.T) {
	c := Config{
		AppID: "a.b", Channels: []string{"web", "Web", "web", strings.Repeat("a", 33), ""},
		LogPartitions: 4097, TablePartitions: 2, Replication: 1, MinInsync: 2,
	}
	_, err := New(c)
	require.Error(t, err)
	for _, want := range []string{
		`app id "a.b"`, `channel "Web"`, `channel "web": listed twice`, `channel "aaaa`, `channel ""`,
		"log partitions 4097", "public partitions 0", "table partitions 2", "min insync 2", "public retention 0s",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 10)
	require.ErrorContains(t, (&Config{}).Validate(), "channels: none")
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "a-1": true, "1a": false, "-a": false, "a_b": false, "a.b": false, "A": false, "": false} {
		require.Equal(t, want, IsChannelName(name), name)
	}
	for id, want := range map[string]bool{"node-1": true, "Node_1": true, "n.1": false, "": false, "-n": false, "é": false} {
		require.Equal(t, want, IsInstanceID(id), id)
	}
}

// Each case breaks a valid topology in one place; the problem must be named.
func TestValidate(t *testing.T) {
	topic := func(t *Topology, short string) *Topic { return t.Lookup(short) }
	for _, c := range []struct {
		name   string
		damage func(t *Topology)
		want   []string
	}{
		{"duplicate topic", func(t *Topology) { t.Topics = append(t.Topics, t.Topics[0]) }, []string{"there are two of that name"}},
		{"duplicate stage", func(t *Topology) { t.Stages = append(t.Stages, t.Stages[2]) },
			[]string{"stage inventory: there are two", "log.inventory: read by two stages", "changelog.inventory: used by two stages"}},
		{"foreign name", func(t *Topology) { topic(t, "dlq").Name = "x.dlq" }, []string{`named "x.dlq", must be "holdfast.dlq"`}},
		{"unknown input", func(t *Topology) { t.Stages[0].Inputs = append(t.Stages[0].Inputs, "nope") }, []string{"intake: reads unknown topic nope"}},
		{"log with two readers", func(t *Topology) { t.Stages[0].Inputs = append(t.Stages[0].Inputs, "log.orders") },
			[]string{"intake: reads log log.orders without owning it", "log.orders: read by two stages, intake and orders"}},
		{"log without reader", func(t *Topology) { t.Stages = t.Stages[:3] }, []string{"log.availability: read by no stage", "changelog.channels: belongs to no stage", "stock.events: written by no stage"}},
		{"log without writer", func(t *Topology) { t.Stages[0].Sends, t.Stages[2].Sends = nil, nil }, []string{"log.orders: written by no stage", "log.availability: written by no stage"}},
		{"reads an output", func(t *Topology) { t.Stages[0].Inputs = append(t.Stages[0].Inputs, "order.events") }, []string{"reads order.events, a topic of role public_out"}},
		{"sends to a public topic", func(t *Topology) { t.Stages[1].Sends = append(t.Stages[1].Sends, "order.events") }, []string{"sends to order.events, a topic of role public_out"}},
		{"publishes to a log", func(t *Topology) { t.Stages[1].Publishes = append(t.Stages[1].Publishes, "log.orders") }, []string{"publishes to log.orders, a topic of role log"}},
		{"publishes to nowhere", func(t *Topology) { t.Stages[1].Publishes = append(t.Stages[1].Publishes, "nope") }, []string{"publishes to unknown topic nope"}},
		{"partitions differ", func(t *Topology) { topic(t, "changelog.orders").Partitions = 4 }, []string{"log log.orders has 8 partitions, changelog changelog.orders has 4"}},
		{"broker retention", func(t *Topology) { topic(t, "changelog.orders").Configs["retention.ms"] = "1000" }, []string{`retention.ms is "1000", must be "-1"`}},
		{"compacted changelog", func(t *Topology) { topic(t, "changelog.orders").Configs["cleanup.policy"] = "compact" }, []string{`cleanup.policy is "compact", must be "delete"`}},
		{"create time", func(t *Topology) { delete(topic(t, "log.orders").Configs, "message.timestamp.type") }, []string{`message.timestamp.type is "", must be "LogAppendTime"`}},
		{"many partitions", func(t *Topology) {
			topic(t, "log.orders").Partitions, topic(t, "changelog.orders").Partitions = 5000, 5000
		}, []string{"more than the 4096 slots"}},
		{"no changelog", func(t *Topology) { t.Stages[1].Changelog = "" }, []string{`its changelog "" isn't one`, "changelog.orders: belongs to no stage"}},
		{"intake with state", func(t *Topology) { t.Stages[0].Changelog = "changelog.orders" }, []string{"has a changelog and no log"}},
		{"group", func(t *Topology) { t.Stages[1].Group = "x" }, []string{`group "x", must be "holdfast.orders"`}},
		{"role", func(t *Topology) { topic(t, "dlq").Role = "odd" }, []string{`unknown role "odd"`}},
		{"long name", func(t *Topology) { topic(t, "dlq").Name = strings.Repeat("d", 250) }, []string{"more than 249 bytes"}},
		{"table of two partitions", func(t *Topology) { topic(t, "catalog").Partitions = 2 }, []string{"2 partitions, must be 1"}},
		{"extra input of a stage", func(t *Topology) { t.Stages[1].Inputs = append(slices.Clone(t.Stages[1].Inputs), "stock.feed") }, []string{"must read that and nothing else"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			topo, err := New(Default())
			require.NoError(t, err)
			c.damage(topo)
			err = topo.Validate()
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}
