package kafka

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// party is a broker and the members of one group, each of which may leave a
// transaction open.
type party struct {
	t       *testing.T
	ctx     context.Context
	broker  *kfake.Cluster // nil: a real one
	addr    []string
	app     string
	client  *kgo.Client
	fencer  *fencer
	spoken  *strings.Builder
	members map[string]*kgo.Client // in the group, by static id
}

func newParty(t *testing.T, opts ...kfake.Opt) *party {
	t.Helper()
	b, err := kfake.NewCluster(opts...)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	p := newPartyAt(t, b.ListenAddrs(), "app")
	p.broker = b
	return p
}

func newPartyAt(t *testing.T, addr []string, app string) *party {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	p := &party{t: t, ctx: ctx, addr: addr, app: app, spoken: &strings.Builder{}, members: map[string]*kgo.Client{}}
	p.client = p.newClient()
	_, err := kadm.NewClient(p.client).CreateTopic(ctx, 1, 1, nil, p.log())
	require.NoError(t, err)
	c := Default()
	c.Logger = slog.New(slog.NewTextHandler(p.spoken, nil))
	p.fencer = newFencer(&c, p.client)
	t.Cleanup(p.fencer.close)
	return p
}

func (p *party) group() string { return p.app + ".orders" }
func (p *party) log() string   { return p.app + ".log.orders" }

// id is the transactional id of a node's only worker.
func (p *party) id(node string) string { return p.group() + "." + node + ".0" }

func (p *party) newClient(opts ...kgo.Opt) *kgo.Client {
	p.t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(p.addr...), kgo.DisableClientMetrics(), kgo.ProducerLinger(0))...)
	require.NoError(p.t, err)
	p.t.Cleanup(cl.CloseAllowingRebalance)
	return cl
}

// join makes a member of the group, and waits until it has been let in.
func (p *party) join(id string) {
	p.t.Helper()
	in, once := make(chan struct{}), sync.Once{}
	p.members[id] = p.newClient(kgo.ConsumerGroup(p.group()), kgo.ConsumeTopics(p.log()), kgo.InstanceID(id), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.HeartbeatInterval(20*time.Millisecond),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { once.Do(func() { close(in) }) }))
	select {
	case <-in:
	case <-p.ctx.Done():
		p.t.Fatalf("%s was never let in", id)
	}
}

// putOut takes a member out of the group for good.
func (p *party) putOut(id string) {
	p.t.Helper()
	p.members[id].Close() // a static member doesn't leave
	m := kmsg.NewLeaveGroupRequestMember()
	m.InstanceID = &id
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.Members = p.group(), append(req.Members, m)
	resp, err := req.RequestWith(p.ctx, p.client)
	require.NoError(p.t, err)
	require.NoError(p.t, kerr.ErrorForCode(resp.ErrorCode))
}

// begin leaves a transaction open, as a life of its own that ends what was there.
func (p *party) begin(id string) *kgo.Client {
	p.t.Helper()
	cl := p.newClient(kgo.TransactionalID(id), kgo.TransactionTimeout(10*time.Minute))
	require.NoError(p.t, cl.BeginTransaction())
	require.NoError(p.t, cl.ProduceSync(p.ctx, &kgo.Record{Topic: p.log(), Value: []byte("v")}).FirstErr())
	return cl
}

func (p *party) open() []string {
	p.t.Helper()
	list, err := kadm.NewClient(p.client).ListTransactions(p.ctx, nil, []string{stateOngoing})
	require.NoError(p.t, err)
	ids := slices.DeleteFunc(list.TransactionalIDs(), func(id string) bool { return !strings.HasPrefix(id, p.app+".") })
	slices.Sort(ids)
	return ids
}

func (p *party) fence() {
	p.t.Helper()
	require.NoError(p.t, p.fencer.fence(p.ctx, p.group(), p.id("b")))
}

// older makes the brokers end transactions without a new epoch for the next, as
// before Kafka 4.
func (p *party) older() {
	p.t.Helper()
	f := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	f.Feature, f.MaxVersionLevel, f.UpgradeType = "transaction.version", 0, 3
	req := kmsg.NewPtrUpdateFeaturesRequest()
	req.FeatureUpdates = append(req.FeatureUpdates, f)
	resp, err := req.RequestWith(p.ctx, p.client)
	require.NoError(p.t, err)
	require.NoError(p.t, kerr.ErrorForCode(resp.ErrorCode))
	can, err := p.fencer.abilities(p.ctx)
	require.NoError(p.t, err)
	require.Equal(p.t, abilities{list: true}, can)
}

func TestFenceEndsWhatTheGoneLeftOpen(t *testing.T) {
	for name, prepare := range map[string]func(*party){"newer": func(*party) {}, "older": (*party).older} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t)
			prepare(p)
			fenceGone(p)
		})
	}
}

func fenceGone(p *party) {
	t := p.t
	a, b, other := p.id("a"), p.id("b"), p.app+".inventory.a.0"
	p.join(a)
	p.join(b)
	p.begin(a)
	alive := p.begin(b)
	p.begin(other)
	p.fence()
	require.Equal(t, []string{other, a, b}, p.open(), "a member is within its session")

	p.putOut(a)
	p.fence()
	require.Equal(t, []string{other, b}, p.open())
	require.Contains(t, p.spoken.String(), "transactional_id="+a)
	p.fence() // somebody else was first
	require.Equal(t, []string{other, b}, p.open())
	require.NoError(t, alive.EndTransaction(p.ctx, kgo.TryCommit))

	p.begin(a)
	p.putOut(b)
	p.fence()
	require.Equal(t, []string{other, a}, p.open(), "who asks isn't in the group any longer, so what it is told of others may be as old")
}

// A member came back between listing and fencing, and has begun a transaction.
func TestFenceSparesANewerLife(t *testing.T) {
	spareNewer(newParty(t))
}

func spareNewer(p *party) {
	t, a := p.t, p.id("a")
	p.begin(a)
	old, err := p.fencer.open(p.ctx, p.group())
	require.NoError(t, err)
	require.Len(t, old, 1)
	newer := p.begin(a)
	require.NoError(t, p.fencer.end(p.ctx, old[0], true))
	require.Equal(t, []string{a}, p.open())
	require.NoError(t, newer.EndTransaction(p.ctx, kgo.TryCommit))
	require.Empty(t, p.spoken.String())
}

// A member that is alive after all meets another epoch, and can't commit a rest.
func TestFenceTakesTheEpochAway(t *testing.T) {
	for _, exactly := range []bool{true, false} {
		p := newParty(t)
		if !exactly {
			p.older()
		}
		alive := p.begin(p.id("a"))
		open, err := p.fencer.open(p.ctx, p.group())
		require.NoError(t, err)
		require.NoError(t, p.fencer.end(p.ctx, open[0], exactly))
		require.Empty(t, p.open())
		require.Error(t, alive.ProduceSync(p.ctx, &kgo.Record{Topic: p.log(), Value: []byte("rest")}).FirstErr())
		require.Error(t, alive.EndTransaction(p.ctx, kgo.TryCommit))
	}
}

func TestLookUntilTheCoordinatorsAnswer(t *testing.T) {
	p := newParty(t)
	a, b := p.id("a"), p.id("b")
	p.join(b)
	p.begin(a)
	for _, key := range []kmsg.Key{kmsg.ListTransactions, kmsg.DescribeTransactions, kmsg.DescribeGroups, kmsg.EndTxn} {
		p.broker.ControlKey(key.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			return nil, context.DeadlineExceeded, true // the connection ends
		})
	}
	p.fencer.changed(p.group(), b)
	p.fencer.work.Wait()
	require.Empty(t, p.open())
}

func TestLookAtBrokersThatCannotList(t *testing.T) {
	p := newParty(t, kfake.MaxVersions(kversion.V2_8_0()))
	require.ErrorIs(t, p.fencer.fence(p.ctx, p.group(), p.id("b")), errNoListing)
	for range 3 {
		p.fencer.changed(p.group(), p.id("b"))
		p.fencer.work.Wait()
	}
	require.Equal(t, 1, strings.Count(p.spoken.String(), "too old to list transactions"), "it is said once")
}

func TestLookIsBrokenOffByTheEnd(t *testing.T) {
	p := newParty(t)
	p.broker.Close()
	p.fencer.changed(p.group(), p.id("b"))
	p.fencer.close()
	p.fencer.changed(p.group(), p.id("b"))
	require.Empty(t, p.fencer.askers)
	require.Empty(t, p.spoken.String())
}
