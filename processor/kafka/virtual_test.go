//go:build synctests

package kafka_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/kafka/embedded"
)

// TestVirtualTime runs nodes, the real client and the embedded broker on a fake
// clock, through faults drawn from a seed, with the timeouts of production. A seed
// fixes what is done to them and when; goroutines and the client's own choices
// don't follow it. So only invariants are judged: nothing is lost or done twice,
// nobody halts or ends by himself, and all comes to rest when the faults are over.
//
//	SEED=7 make test-synctest       one seed alone
//	SEEDS=1000 make test-synctest   more of them
func TestVirtualTime(t *testing.T) {
	from, n := uint64(0), uint64(30)
	number := func(name string) (uint64, bool) {
		s := os.Getenv(name)
		v, err := strconv.ParseUint(s, 10, 64)
		require.True(t, s == "" || err == nil, "%s=%s: %v", name, s, err)
		return v, s != ""
	}
	if v, ok := number("SEEDS"); ok {
		n = v
	}
	if v, ok := number("SEED"); ok {
		from, n = v, 1
	}
	for seed := from; seed < from+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newChaos(t, seed).run() })
		})
	}
}

// chaos is what happens to a few instances.
type chaos struct {
	*world
	random *rand.Rand
	lives  map[string]*life
	disks  map[string]*vfs.MemFS
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	network := new(kfake.VirtualNetwork)
	b, err := embedded.Start(embedded.Config{Network: network, InMemory: true})
	require.NoError(t, err)
	t.Cleanup(b.Close)
	w := newWorldAt(t, b.Addr(), "t", network.DialContext, time.Hour)
	w.broker = b
	t.Logf("seed %d", seed)
	return &chaos{world: w, random: rand.New(rand.NewPCG(seed, 1)), lives: map[string]*life{}, disks: map[string]*vfs.MemFS{}}
}

func (c *chaos) run() {
	defer func() {
		for name, l := range c.lives {
			if c.t.Failed() {
				c.t.Logf("%s: %+v", name, l.node.Status())
			}
		}
	}()
	for range 40 {
		c.step()
	}
	// The faults are over.
	for _, name := range instances() {
		if l := c.lives[name]; l != nil {
			l.wire.melt()
		}
	}
	c.begin("a")
	c.write(5, c.keys()...)
	begun := time.Now()
	c.settled()
	// Whoever crashed is waited for, as is the transaction that he left open.
	c.t.Logf("settled after %v", time.Since(begun))
	require.Less(c.t, time.Since(begun), 3*time.Minute)
	for _, name := range instances() {
		c.end(name)
	}
}

func instances() []string { return []string{"a", "b", "c"} }

func (c *chaos) step() {
	name := instances()[c.random.IntN(3)]
	switch l := c.lives[name]; c.random.IntN(10) {
	case 0, 1, 2:
		c.write(1+c.random.IntN(20), c.keys()...)
	case 3, 4:
		c.begin(name)
	case 5:
		c.end(name)
	case 6:
		if l != nil {
			c.disks[name] = l.crash()
			delete(c.lives, name)
		}
	case 7:
		if l != nil {
			l.wire.freeze()
			time.AfterFunc(c.upTo(2*time.Minute), l.wire.melt)
		}
	case 8:
		if l != nil {
			l.wire.fault(1+c.random.IntN(3), c.wireFault())
		}
	case 9:
		c.broker.Cluster().Fault(c.brokerFault())
	}
	// Mostly little time, now and then longer than any timeout.
	wait := c.upTo(200 * time.Millisecond)
	if c.random.IntN(6) == 0 {
		wait = c.upTo(90 * time.Second)
	}
	<-time.After(wait)
	for name, l := range c.lives {
		select {
		case <-l.done:
			c.t.Fatalf("%s ended by itself: %v", name, l.err)
		default:
		}
		require.Empty(c.t, l.seen.reasons())
	}
}

func (c *chaos) upTo(d time.Duration) time.Duration { return time.Duration(c.random.Int64N(int64(d))) }

func (c *chaos) begin(name string) {
	if c.lives[name] != nil {
		return
	}
	leave := c.random.IntN(2) == 0
	c.lives[name] = c.start(name, c.disks[name], workers(1+c.random.IntN(2)), func(p *processor.Config, k *kafka.Config) {
		d := kafka.Default()
		k.SessionTimeout, k.RebalanceTimeout, k.TransactionTimeout = d.SessionTimeout, d.RebalanceTimeout, d.TransactionTimeout
		p.EndTimeout = processor.Default().EndTimeout
		p.LeaveGroup = leave
	})
}

func (c *chaos) end(name string) {
	l := c.lives[name]
	if l == nil {
		return
	}
	l.wire.melt()
	require.NoError(c.t, l.stop())
	c.disks[name] = l.fs
	delete(c.lives, name)
}

func (c *chaos) wireFault() wireFault {
	keys := []kmsg.Key{kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.EndTxn, kmsg.InitProducerID, kmsg.Heartbeat, kmsg.OffsetFetch, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Fetch}
	if c.random.IntN(4) == 0 {
		return wireFault{key: kmsg.EndTxn, after: unknownEnd}
	}
	return wireFault{key: keys[c.random.IntN(len(keys))], lose: true}
}

func (c *chaos) brokerFault() kfake.Fault {
	faults := []kfake.Fault{
		{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError},
		{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.CoordinatorNotAvailable},
		{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.ConcurrentTransactions},
		{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.CoordinatorLoadInProgress},
		{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration},
		{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ConcurrentTransactions},
		{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Topic: c.changelog(0).Topic},
		{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnknownServerError, Topic: c.changelog(0).Topic},
		{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID, TopLevel: true},
		{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.UnknownServerError, TopLevel: true},
		{Keys: []kmsg.Key{kmsg.SyncGroup}, Err: kerr.RebalanceInProgress, TopLevel: true},
		{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.UnstableOffsetCommit},
		{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.LeaderNotAvailable},
	}
	f := faults[c.random.IntN(len(faults))]
	f.Count = 1 + c.random.IntN(3)
	return f
}
