package kafka_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/kafka/embedded"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

func TestMain(m *testing.M) {
	// Most of their time these tests wait for a timeout of the broker.
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := f.Value.Set("12"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// limit bounds every wait of a test; nothing waits for so long unless it hangs.
const limit = 60 * time.Second

// world is a broker, what is fed into it, and what comes out.
type world struct {
	t        *testing.T
	ctx      context.Context
	broker   *embedded.Broker // nil: it is a real one
	addr     string
	dial     []kgo.Opt // how to reach it, beside the address
	topology *topology.Topology
	ids      map[string][16]byte // of topics
	slots    map[string]*topology.SlotTable
	admin    *kafka.Cluster
	log      *slog.Logger

	fed  map[string]uint64
	feed *kgo.Client
	out  *follower
}

const partitions = 4

func newWorld(t *testing.T) *world {
	t.Helper()
	b, err := embedded.Start(embedded.Config{InMemory: true})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return newWorldOn(t, b)
}

func newWorldOn(t *testing.T, b *embedded.Broker, dial ...kgo.Opt) *world {
	t.Helper()
	w := newWorldAt(t, b.Addr(), "t", dial...)
	w.broker = b
	return w
}

func newWorldAt(t *testing.T, addr, app string, dial ...kgo.Opt) *world {
	t.Helper()
	tc := topology.Default()
	tc.AppID, tc.Channels, tc.LogPartitions, tc.PublicPartitions = app, []string{"web"}, partitions, 1
	top, err := topology.New(tc)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, addr: addr, dial: dial, topology: top, ids: map[string][16]byte{}, slots: map[string]*topology.SlotTable{}, fed: map[string]uint64{}}
	w.log = slog.New(slog.NewTextHandler(&testLog{t: t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	for _, l := range top.Logs() {
		w.slots[l] = topology.DefaultSlots(l, partitions)
	}
	w.admin, err = kafka.NewCluster(w.kafkaConfig())
	require.NoError(t, err)
	t.Cleanup(w.admin.Close)
	admin := kadm.NewClient(w.admin.Client())
	for _, topic := range top.Topics {
		configs := map[string]*string{}
		for k, v := range topic.Configs {
			configs[k] = &v
		}
		created, err := admin.CreateTopic(ctx, topic.Partitions, topic.Replication, configs, topic.Name)
		require.NoError(t, err)
		w.ids[topic.Name] = created.ID
	}
	w.feed, err = kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(time.Millisecond), kgo.DisableClientMetrics()}, dial...)...)
	require.NoError(t, err)
	t.Cleanup(w.feed.Close)
	w.out = w.follow(topology.LogAvailability)
	return w
}

func (w *world) kafkaConfig(opts ...kgo.Opt) kafka.Config {
	c := kafka.Default()
	c.Client = append([]kgo.Opt{kgo.SeedBrokers(w.addr), kgo.MetadataMinAge(50 * time.Millisecond)}, append(w.dial, opts...)...)
	c.Topology, c.Logger = w.topology, w.log
	c.SessionTimeout, c.RebalanceTimeout, c.TransactionTimeout = 3*time.Second, 10*time.Second, 3*time.Second
	c.FetchMaxWait = 50 * time.Millisecond
	return c
}

// input is a partition of the log that the stage under test reads, changelog one
// of its own.
func (w *world) input(p int) processor.TopicPartition {
	return processor.TopicPartition{Topic: w.topology.Name(topology.LogInventory), Partition: record.Partition(p)}
}

func (w *world) changelog(p int) processor.TopicPartition {
	return processor.TopicPartition{Topic: w.topology.Name(topology.Changelog(topology.StageInventory)), Partition: record.Partition(p)}
}

func (w *world) group() string { return w.topology.Stage(topology.StageInventory).Group }

// keyOn returns a key that lies on partition p, another one for each i.
func (w *world) keyOn(p, i int) string {
	for n := 0; ; n++ {
		if key := fmt.Sprintf("k%d.%d", i, n); w.slots[topology.LogInventory].Partition([]byte(key)) == int32(p) {
			return key
		}
	}
}

// keys are two for each partition.
func (w *world) keys() []string {
	var keys []string
	for p := range partitions {
		keys = append(keys, w.keyOn(p, 0), w.keyOn(p, 1))
	}
	return keys
}

// write gives every key its next n numbers.
func (w *world) write(n int, keys ...string) {
	w.t.Helper()
	var records []*kgo.Record
	for range n {
		for _, key := range keys {
			w.fed[key]++
			records = append(records, &kgo.Record{
				Topic: w.topology.Name(topology.LogInventory), Partition: w.slots[topology.LogInventory].Partition([]byte(key)),
				Key: []byte(key), Value: []byte(strconv.FormatUint(w.fed[key], 10)),
			})
		}
	}
	require.NoError(w.t, w.feed.ProduceSync(w.ctx, records...).FirstErr())
}

// life is one life of a node.
type life struct {
	w       *world
	name    string
	node    *processor.Node
	cluster *kafka.Cluster
	shared  *state.Shared
	wire    *wire
	seen    *observer
	hook    *hook
	fs      *vfs.MemFS
	cancel  context.CancelFunc
	done    chan struct{}
	err     error
}

// option changes the settings of a life.
type option func(*processor.Config, *kafka.Config)

func workers(n int) option {
	return func(c *processor.Config, _ *kafka.Config) { c.Stages[0].Workers = n }
}

// start begins a life of an instance; fs is what the last one left, nil for the
// first.
func (w *world) start(instance string, fs *vfs.MemFS, options ...option) *life {
	w.t.Helper()
	if fs == nil {
		fs = vfs.NewCrashableMem()
	}
	l := &life{w: w, name: instance, wire: newWire(), seen: newObserver(), hook: &hook{}, fs: fs, done: make(chan struct{})}
	kc := w.kafkaConfig(kgo.Dialer(l.wire.dial))
	kc.Logger = w.log.With("node", instance)
	l.shared = state.NewShared(1<<20, fs)
	c := processor.Default()
	c.Topology, c.Slots, c.InstanceID, c.DataDir, c.ClusterID = w.topology, w.slots, instance, "data", "cluster"
	c.Logger, c.Metrics = kc.Logger, l.seen
	c.TopicIDs = w.ids
	c.Store = state.Config{FS: fs, Shared: l.shared, MemTableBytes: 256 << 10}
	c.Stages = []processor.StageConfig{{Name: topology.StageInventory, Workers: 1, New: func(processor.TopicPartition) stage.Stage { return counter{l.hook} }}}
	c.EndTimeout = 10 * time.Second
	for _, o := range options {
		o(&c, &kc)
	}
	var err error
	l.cluster, err = kafka.NewCluster(kc)
	require.NoError(w.t, err)
	c.Cluster = l.cluster
	l.node, err = processor.NewNode(c)
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go func() {
		defer close(l.done)
		l.err = l.node.Run(ctx)
		l.cluster.Close()
		l.shared.Close()
	}()
	w.t.Cleanup(func() {
		l.cancel()
		l.wire.melt()
		<-l.done
	})
	return l
}

// stop asks the node to end and returns its error.
func (l *life) stop() error {
	l.w.t.Helper()
	l.cancel()
	return l.wait()
}

// wait returns the error with which the node ended.
func (l *life) wait() error {
	l.w.t.Helper()
	select {
	case <-l.done:
		return l.err
	case <-l.w.ctx.Done():
		l.w.t.Fatalf("node %s doesn't end", l.name)
		return nil
	}
}

// crash ends the life as a lost machine would, and returns what is left of its
// disk: only what was synced.
func (l *life) crash() *vfs.MemFS {
	l.wire.cut()
	left := l.fs.CrashClone(vfs.CrashCloneCfg{})
	l.cancel()
	return left
}

// count tells how many of the node's partitions are in a phase.
func (l *life) count(phase string) (n int) {
	for _, s := range l.node.Status() {
		if s.Phase == phase {
			n++
		}
	}
	return n
}

// awaitPhase waits until n of the node's partitions are in a phase.
func (l *life) awaitPhase(phase string, n int) {
	l.w.t.Helper()
	l.w.until(fmt.Sprintf("%d partitions of %s are %s", n, l.name, phase), func() bool { return l.count(phase) == n }, l)
}

// groupState is what the broker says of the group.
func (w *world) groupState() string {
	w.t.Helper()
	groups, err := kadm.NewClient(w.feed).DescribeGroups(w.ctx, w.group())
	require.NoError(w.t, err)
	return groups[w.group()].State
}

// openTransactions are those of the group's members.
func (w *world) openTransactions() []string {
	w.t.Helper()
	list, err := kadm.NewClient(w.feed).ListTransactions(w.ctx, nil, []string{"Ongoing"})
	require.NoError(w.t, err)
	return slices.DeleteFunc(list.TransactionalIDs(), func(id string) bool { return !strings.HasPrefix(id, w.topology.Prefix()) })
}

// until looks again and again whether ok holds; the clock only says when to look.
func (w *world) until(what string, ok func() bool, lives ...*life) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-w.ctx.Done():
			for _, l := range lives {
				w.t.Logf("%s: %+v", l.name, l.node.Status())
			}
			w.t.Fatalf("it never came to it that %s", what)
		}
	}
}

// settled waits until all that was fed has come out, then checks that it came
// out once and in order, and that the changelogs fold to the same.
func (w *world) settled() {
	w.t.Helper()
	w.out.await(w.t, w.fed)
	for p := range partitions {
		_, end, err := w.admin.Bounds(w.ctx, w.input(p))
		require.NoError(w.t, err)
		w.until(fmt.Sprintf("partition %d is committed up to %d", p, end), func() bool {
			o, ok, err := w.admin.Committed(w.ctx, w.group(), w.input(p))
			require.NoError(w.t, err)
			return ok && o == end || end == 0
		})
	}
	w.out.drain(w.t)
	w.out.judge(w.t, w.fed)
	require.Equal(w.t, w.fed, w.fold())
}

// fold restores every partition from its changelog into a new store.
func (w *world) fold() map[string]uint64 {
	w.t.Helper()
	sum := map[string]uint64{}
	for p := range partitions {
		s := w.open(vfs.NewMem(), p)
		_, _, err := processor.RollForward(w.ctx, w.admin, w.changelog(p), s, limit)
		require.NoError(w.t, err)
		readStore(w.t, s, sum)
		require.NoError(w.t, s.Close())
	}
	return sum
}

// stored reads the stores as a node left them.
func (w *world) stored(fs *vfs.MemFS) map[string]uint64 {
	w.t.Helper()
	sum := map[string]uint64{}
	for p := range partitions {
		s := w.open(fs, p)
		readStore(w.t, s, sum)
		require.NoError(w.t, s.Close())
	}
	return sum
}

func (w *world) open(fs *vfs.MemFS, p int) *state.Store {
	w.t.Helper()
	tp := w.changelog(p)
	s, err := state.Open(state.Config{FS: fs, Dir: fs.PathJoin("data", topology.StageInventory, strconv.Itoa(p)), Identity: state.Identity{
		ClusterID: "cluster", Topic: tp.Topic, TopicID: w.ids[tp.Topic], Partition: int32(p)}})
	require.NoError(w.t, err)
	return s
}

func readStore(t *testing.T, s *state.Store, into map[string]uint64) {
	t.Helper()
	require.NoError(t, s.Scan([]byte("n"), []byte("o"), func(k, v []byte) bool {
		n := uint64(0)
		for _, b := range v {
			n = n<<8 | uint64(b)
		}
		into[string(k[1:])] += n
		return true
	}))
	s.Drop()
}

// observer keeps what a node tells.
type observer struct {
	mu        sync.Mutex
	committed int
	failed    int
	decided   int // records in committed transactions
	halted    map[record.Partition]string
	restored  []restored
	wiped     []string
	whole     map[int]int // how often a partition's store was found right
}

type restored struct {
	partition record.Partition
	records   int64
}

func newObserver() *observer {
	return &observer{halted: map[record.Partition]string{}, whole: map[int]int{}}
}

func (o *observer) Ended(t *processor.Transaction) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch t.Result {
	case processor.Committed:
		o.committed++
		o.decided += t.Records
	case processor.Unknown:
		o.failed++
	}
}

func (o *observer) Restored(_ string, tp processor.TopicPartition, records, _ int64, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.restored = append(o.restored, restored{tp.Partition, records})
}

func (o *observer) Halted(_ string, tp processor.TopicPartition, reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.halted[tp.Partition] = reason
}

func (o *observer) Wiped(_ string, _ processor.TopicPartition, reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wiped = append(o.wiped, reason)
}

func (o *observer) Verified(_ string, tp processor.TopicPartition, v processor.Verified) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if v.Whole {
		o.whole[int(tp.Partition)]++
	}
}

// read runs fn with the observer's fields.
func (o *observer) read(fn func(o *observer)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fn(o)
}

func (o *observer) transactions() (committed, failed int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.committed, o.failed
}

func (o *observer) reasons() map[record.Partition]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := map[record.Partition]string{}
	for p, r := range o.halted {
		m[p] = r
	}
	return m
}

// follower reads what the stage sends, as a read_committed consumer sees it.
type follower struct {
	w      *world
	client *kgo.Client
	topic  string
	next   map[int32]int64
	got    map[string][]uint64
	count  int
}

func (w *world) follow(short string) *follower {
	w.t.Helper()
	f := &follower{w: w, topic: w.topology.Name(short), next: map[int32]int64{}, got: map[string][]uint64{}}
	from := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		from[p] = kgo.NewOffset().AtStart()
	}
	var err error
	f.client, err = kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{f.topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(50 * time.Millisecond), kgo.DisableClientMetrics()}, w.dial...)...)
	require.NoError(w.t, err)
	w.t.Cleanup(f.client.Close)
	return f
}

func (f *follower) poll(ctx context.Context, t *testing.T) {
	t.Helper()
	fetches := f.client.PollFetches(ctx)
	if ctx == f.w.ctx || ctx.Err() == nil {
		require.NoError(t, fetches.Err(), "waiting for output")
	}
	fetches.EachRecord(func(r *kgo.Record) {
		f.next[r.Partition] = r.Offset + 1
		if r.Attrs.IsControl() {
			return
		}
		require.NoError(t, record.Entries(r.Value, func(e record.Entry) error {
			n, err := strconv.ParseUint(string(e.Body), 10, 64)
			f.got[string(e.Key)] = append(f.got[string(e.Key)], n)
			f.count++
			return err
		}))
	})
}

// await waits until everything wanted has come at least once.
func (f *follower) await(t *testing.T, want map[string]uint64) {
	t.Helper()
	for !f.has(want) {
		f.poll(f.w.ctx, t)
	}
}

func (f *follower) has(want map[string]uint64) bool {
	for key, n := range want {
		if uint64(len(f.got[key])) < n {
			return false
		}
	}
	return true
}

// drain reads to the ends of the log as they are now.
func (f *follower) drain(t *testing.T) {
	t.Helper()
	for p := range int32(partitions) {
		_, end, err := f.w.admin.Bounds(f.w.ctx, processor.TopicPartition{Topic: f.topic, Partition: record.Partition(p)})
		require.NoError(t, err)
		for f.next[p] < int64(end) {
			f.poll(f.w.ctx, t)
		}
	}
}

// judge checks that every number of every key came once, in order.
func (f *follower) judge(t *testing.T, want map[string]uint64) {
	t.Helper()
	for key, n := range want {
		ok := uint64(len(f.got[key])) == n
		for i, v := range f.got[key] {
			ok = ok && v == uint64(i)+1
		}
		require.True(t, ok, "%s: fed 1 to %d, out came %v", key, n, f.got[key])
	}
}

// testLog gives log lines to the test that they belong to, and remembers them.
type testLog struct {
	t *testing.T
	io.Writer
}

func (l *testLog) Write(p []byte) (int, error) {
	if os.Getenv("TEST_LOG") != "" {
		_, _ = os.Stderr.WriteString(time.Now().Format("15:04:05.000 ") + l.t.Name() + " " + string(p))
	}
	return len(p), nil
}
