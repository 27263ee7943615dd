//go:build synctests

package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest/audit"
	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/kafka/embedded"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

// TestKafkaClient runs nodes with the real Kafka client on the embedded broker,
// in a bubble where time is nobody's: hours pass in moments. The seed fixes the
// sale and when nodes are cut off, not what goroutines make of it; so only
// invariants are judged: the audit, and every store against its changelog.
func TestKafkaClient(t *testing.T) {
	for _, seed := range seedsOf(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newBubble(t, seed).run() })
		})
	}
}

// bubble is a broker with nodes in a bubble.
type bubble struct {
	t        *testing.T
	seed     uint64
	random   *rand.Rand
	network  *kfake.VirtualNetwork
	broker   *embedded.Broker
	topology *topology.Topology
	slots    map[string]*topology.SlotTable
	client   *kgo.Client
	nodes    map[string]*bubbleNode
	ending   sync.WaitGroup
}

type bubbleNode struct {
	disk *vfs.MemFS
	wire *wire
	stop context.CancelFunc
	done chan struct{}
	err  error
}

const bubblePartitions = 2

func newBubble(t *testing.T, seed uint64) *bubble {
	b := &bubble{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 2)), network: new(kfake.VirtualNetwork), nodes: map[string]*bubbleNode{}}
	var err error
	b.broker, err = embedded.Start(embedded.Config{Network: b.network, InMemory: true})
	require.NoError(t, err)
	c := topology.Default()
	c.AppID, c.Channels, c.LogPartitions, c.PublicPartitions = "sim", []string{"shopee", "web"}, bubblePartitions, bubblePartitions
	b.topology, err = topology.New(c)
	require.NoError(t, err)
	for _, topic := range b.topology.Topics {
		require.NoError(t, b.broker.Cluster().CreateTopic(topic.Name, topic.Partitions, topic.Configs))
	}
	b.slots = map[string]*topology.SlotTable{}
	for _, short := range b.topology.Logs() {
		b.slots[short] = topology.DefaultSlots(short, bubblePartitions)
	}
	b.client, err = kgo.NewClient(append(b.options(b.network.DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))...)
	require.NoError(t, err)
	return b
}

func (b *bubble) options(dial func(ctx context.Context, network, host string) (net.Conn, error)) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(b.broker.Addr()), kgo.Dialer(dial), kgo.DisableClientMetrics(), kgo.MetadataMinAge(50 * time.Millisecond)}
}

func (b *bubble) run() {
	defer b.broker.Close()
	defer b.client.Close()
	b.start("i0", vfs.NewCrashableMem())
	b.start("i1", vfs.NewCrashableMem())
	sale := NewSale(b.seed, 60)
	for more := true; more; {
		var in Input
		if in, more = sale.Next(record.Millis(time.Now().UnixMilli())); more {
			b.feed(in)
		}
		b.pass(time.Duration(b.random.IntN(60)) * time.Millisecond)
		if b.random.IntN(25) == 0 {
			b.disturb()
		}
	}
	b.awaitRest()
	for _, n := range b.nodes {
		n.stop()
	}
	for _, n := range b.nodes {
		<-n.done
		require.NoError(b.t, n.err)
	}
	b.ending.Wait()
	b.judge()
}

func (b *bubble) pass(d time.Duration) { <-time.After(d) }

func (b *bubble) feed(in Input) {
	topic := b.topology.Lookup(in.Topic)
	p := in.Partition
	if p < 0 {
		p = topology.KafkaPartition(in.Key, topic.Partitions)
	}
	r := &kgo.Record{Topic: topic.Name, Partition: p % topic.Partitions, Key: in.Key, Value: in.Value}
	require.NoError(b.t, b.client.ProduceSync(b.t.Context(), r).FirstErr())
}

// disturb cuts connections, so that some answers get lost, or ends a node as a
// lost machine would end and starts it again on what its disk kept.
func (b *bubble) disturb() {
	instance := []string{"i0", "i1"}[b.random.IntN(2)]
	n := b.nodes[instance]
	if b.random.IntN(3) > 0 {
		n.wire.cut(false)
		return
	}
	disk := n.disk.CrashClone(vfs.CrashCloneCfg{})
	n.wire.cut(true)
	n.stop()
	b.ending.Go(func() { <-n.done })
	b.pass(time.Duration(b.random.IntN(8000)) * time.Millisecond)
	b.start(instance, disk)
}

func (b *bubble) start(instance string, disk *vfs.MemFS) {
	n := &bubbleNode{disk: disk, wire: &wire{network: b.network, conns: map[net.Conn]bool{}}, done: make(chan struct{})}
	kc := kafka.Default()
	kc.Topology, kc.Client = b.topology, b.options(n.wire.dial)
	kc.SessionTimeout, kc.RebalanceTimeout, kc.FetchMaxWait = 6*time.Second, 10*time.Second, 50*time.Millisecond
	cluster, err := kafka.NewCluster(kc)
	require.NoError(b.t, err)
	cfg := processor.Default()
	cfg.Topology, cfg.Slots, cfg.Cluster, cfg.InstanceID, cfg.DataDir, cfg.ClusterID = b.topology, b.slots, cluster, instance, "data", "bubble"
	cfg.TopicIDs = map[string][16]byte{}
	for _, topic := range b.topology.Topics {
		cfg.TopicIDs[topic.Name] = b.broker.Cluster().TopicInfo(topic.Name).TopicID
	}
	shared := state.NewShared(1<<20, disk)
	cfg.Store = state.Config{
		FS: disk, Shared: shared, MemTableBytes: 256 << 10, FlushBytes: 8 << 10, FlushEvery: time.Second,
		LogBytesMin: 4 << 10, PartBytesMax: 1 << 10,
	}
	for name, newStage := range SaleStages() {
		cfg.Stages = append(cfg.Stages, processor.StageConfig{Name: name, New: newStage, Workers: 1})
	}
	node, err := processor.NewNode(cfg)
	require.NoError(b.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	b.nodes[instance] = n
	go func() {
		defer close(n.done)
		n.err = node.Run(ctx)
		cluster.Close()
		shared.Close()
	}()
}

// awaitRest waits until all groups have consumed their logs and nothing new has
// come for longer than anything waits.
func (b *bubble) awaitRest() {
	admin := kadm.NewClient(b.client)
	quiet, before := 0, map[string]int64{}
	for range 2000 {
		b.pass(500 * time.Millisecond)
		ends := b.ends(admin)
		if maps.Equal(ends, before) && b.lag(admin) == 0 {
			quiet++
		} else {
			quiet = 0
		}
		if before = ends; quiet > 60 {
			return
		}
	}
	b.t.Fatal("the nodes don't come to rest")
}

func (b *bubble) ends(admin *kadm.Client) map[string]int64 {
	listed, err := admin.ListEndOffsets(b.t.Context(), b.topics()...)
	require.NoError(b.t, err)
	require.NoError(b.t, listed.Error())
	out := map[string]int64{}
	listed.Each(func(o kadm.ListedOffset) { out[fmt.Sprintf("%s/%d", o.Topic, o.Partition)] = o.Offset })
	return out
}

// lag counts the records that a group has yet to consume: what a reader of
// committed records would still be given.
func (b *bubble) lag(admin *kadm.Client) int {
	lag := 0
	all := b.read()
	for _, st := range b.topology.Stages {
		committed, err := admin.FetchOffsets(b.t.Context(), st.Group)
		require.NoError(b.t, err)
		for _, short := range st.Inputs {
			for _, r := range all {
				at, ok := committed.Lookup(r.Topic, r.Partition)
				if r.Topic == b.topology.Name(short) && (!ok || r.Offset >= at.At) {
					lag++
				}
			}
		}
	}
	return lag
}

func (b *bubble) topics() []string {
	var out []string
	for _, t := range b.topology.Topics {
		out = append(out, t.Name)
	}
	return out
}

// read returns every committed record of every topic.
func (b *bubble) read() []*kgo.Record {
	from := map[string]map[int32]kgo.Offset{}
	for _, t := range b.topology.Topics {
		from[t.Name] = map[int32]kgo.Offset{}
		for p := range t.Partitions {
			from[t.Name][p] = kgo.NewOffset().AtStart()
		}
	}
	reader, err := kgo.NewClient(append(b.options(b.network.DialContext), kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(50*time.Millisecond))...)
	require.NoError(b.t, err)
	defer reader.Close()
	var out []*kgo.Record
	for {
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Second)
		f := reader.PollFetches(ctx)
		cancel()
		if f.Empty() || errors.Is(f.Err0(), context.DeadlineExceeded) {
			return out
		}
		require.NoError(b.t, f.Err())
		out = append(out, f.Records()...)
	}
}

// judge lets the audit see everything, and compares every store with one that
// is restored from the start of its changelog.
func (b *bubble) judge() {
	records := b.read()
	admin := kadm.NewClient(b.client)
	cut := audit.Cut{Committed: map[audit.TopicPartition]record.Offset{}}
	for _, st := range b.topology.Stages {
		committed, err := admin.FetchOffsets(b.t.Context(), st.Group)
		require.NoError(b.t, err)
		committed.Each(func(o kadm.OffsetResponse) {
			short, _ := b.topology.Short(o.Topic)
			cut.Committed[audit.TopicPartition{Topic: short, Partition: record.Partition(o.Partition)}] = record.Offset(o.At)
		})
	}
	a := audit.New(audit.Config{AppID: b.topology.AppID, Settled: true, Channels: []string{"shopee", "web"},
		MarketplaceHold: 6_000, LateMax: 60_000, DueChunk: dueChunk}, cut) // chunks of two, and faults in between, take their time
	for _, r := range records {
		short, _ := b.topology.Short(r.Topic)
		if role := b.topology.Lookup(short).Role; role == topology.RoleChangelog || role == topology.RoleSlots {
			continue
		}
		in := audit.Record{Topic: short, Partition: record.Partition(r.Partition), Offset: record.Offset(r.Offset), At: record.Millis(r.Timestamp.UnixMilli()), Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			in.Headers = append(in.Headers, audit.Header(h))
		}
		require.NoError(b.t, a.Add(in))
	}
	report := a.Report()
	require.Equal(b.t, audit.Pass, report.Verdict, "%+v", report)
	require.NotZero(b.t, report.UnitsShipped)
	b.t.Logf("%d records, %d decisions, %d orders", report.Records, report.Decisions, report.Orders)
	for _, st := range b.topology.Stages {
		for p := range int32(bubblePartitions) {
			if st.Changelog != "" {
				b.judgeStores(&st, p, records)
			}
		}
	}
}

func (b *bubble) judgeStores(st *topology.Stage, p int32, records []*kgo.Record) {
	name := b.topology.Name(st.Changelog)
	start := b.broker.Cluster().PartitionInfo(name, p).LogStartOffset
	open := func(fs vfs.FS) *state.Store {
		s, err := state.Open(state.Config{FS: fs, Dir: fmt.Sprintf("data/%s/%d", st.Name, p), Identity: state.Identity{
			ClusterID: "bubble", Topic: name, TopicID: b.broker.Cluster().TopicInfo(name).TopicID, Partition: p}})
		require.NoError(b.t, err)
		restore := s.NewRestore()
		require.NoError(b.t, restore.LogStart(state.Offset(start)))
		for _, r := range records {
			if r.Topic == name && r.Partition == p {
				require.NoError(b.t, restore.Feed(state.Offset(r.Offset), r.Value))
			}
		}
		return s
	}
	want := open(vfs.NewMem())
	defer want.Abandon()
	for instance, n := range b.nodes {
		have := open(n.disk)
		require.NoError(b.t, state.Diff(have, want, func(key, a, z []byte) bool {
			b.t.Errorf("%s/%d on %s: key %q is %q, restored from nothing %q", st.Name, p, instance, key, a, z)
			return true
		}))
		require.Equal(b.t, want.Position(), have.Position(), "%s/%d on %s", st.Name, p, instance)
		have.Abandon()
	}
}

// wire is the network as one node sees it.
type wire struct {
	network *kfake.VirtualNetwork
	mu      sync.Mutex
	conns   map[net.Conn]bool
	dead    bool
}

func (w *wire) dial(ctx context.Context, network, host string) (net.Conn, error) {
	c, err := w.network.DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		c.Close()
		return nil, net.ErrClosed
	}
	w.conns[c] = true
	return c, nil
}

// cut ends all connections, for good or so that new ones can be made.
func (w *wire) cut(forGood bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = forGood
	for c := range w.conns {
		c.Close()
	}
	clear(w.conns)
}
