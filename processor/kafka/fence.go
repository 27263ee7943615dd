package kafka

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fencer ends the transactions that members left open who are gone for good.
// Nobody else would before they time out, and until then they hold up every
// reader of read_committed, and whoever takes the partitions over: the group's
// offset isn't stable, and a restore waits for it.
//
// It looks whenever a group has let one of our members in, which it does at every
// change of its membership. All nodes look; whoever comes second finds nothing
// left, or is refused.
//
//	session: let in ──changed──> list ─> describe ─> describe ─> ofTheGone ─> end
//	                             open    each        the group   (gone.go)    each
//	                              ^                      │
//	                              └──(no answer)─────────┘  until the timeout has done it anyway
type fencer struct {
	cfg    *Config
	client *kgo.Client
	admin  *kadm.Client

	life context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	askers  map[string]string // groups to look at, and a member of ours in each
	running map[string]bool   // groups that are looked at
	told    bool              // that the brokers refuse
}

func newFencer(cfg *Config, client *kgo.Client) *fencer {
	f := &fencer{cfg: cfg, client: client, admin: kadm.NewClient(client), askers: map[string]string{}, running: map[string]bool{}}
	f.life, f.stop = context.WithCancel(context.Background())
	return f
}

// changed is told that a group has let a member of ours in. It doesn't wait.
func (f *fencer) changed(group, asker string) {
	// Without static ids, nobody could tell whose transaction it is.
	if !f.cfg.Static || !f.cfg.FenceGone {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.askers[group] = asker
	if !f.running[group] {
		f.running[group] = true
		f.work.Go(func() { f.follow(group) })
	}
}

// follow looks at a group until no change of it is left to be looked at.
func (f *fencer) follow(group string) {
	for {
		f.mu.Lock()
		asker, due := f.askers[group]
		delete(f.askers, group)
		f.running[group] = due
		f.mu.Unlock()
		if !due {
			return
		}
		f.look(group, asker)
	}
}

func (f *fencer) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.stop()
	f.work.Wait()
}

const (
	// brokersScanEvery is how often a broker looks for transactions that have
	// timed out.
	brokersScanEvery = 10 * time.Second
	lookAgainFirst   = 100 * time.Millisecond
	lookAgainMax     = 2 * time.Second
)

// look ends what is to be ended, again and again until every broker has answered.
// A coordinator that is away is one whose transactions aren't known; after a while
// they have timed out.
func (f *fencer) look(group, asker string) {
	ctx, cancel := context.WithTimeout(f.life, f.cfg.TransactionTimeout+brokersScanEvery)
	defer cancel()
	for wait := lookAgainFirst; ; wait = min(2*wait, lookAgainMax) {
		err := f.fence(ctx, group, asker)
		switch {
		case err == nil || f.life.Err() != nil:
			return
		case isRefusal(err):
			f.mu.Lock()
			told := f.told
			f.told = true
			f.mu.Unlock()
			if told {
				return
			}
			f.cfg.Logger.Warn("open transactions of members that are gone can't be ended; readers wait for their timeout", "group", group, "timeout", f.cfg.TransactionTimeout, "err", err)
			return
		}
		if pause(ctx, wait) != nil {
			if f.life.Err() == nil {
				f.cfg.Logger.Warn("open transactions of members that are gone weren't ended before their timeout", "group", group, "err", err)
			}
			return
		}
	}
}

// isRefusal tells errors that stay from those of brokers that are away or busy.
func isRefusal(err error) bool {
	for _, e := range []error{errNoListing, kerr.TransactionalIDAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// fence looks once. An error means that something may have been missed.
func (f *fencer) fence(ctx context.Context, group, asker string) error {
	can, err := f.abilities(ctx)
	if err != nil {
		return err
	}
	if !can.list {
		return errNoListing
	}
	open, missed := f.open(ctx, group)
	if len(open) == 0 {
		return missed
	}
	described, err := f.admin.DescribeGroups(ctx, group)
	if err == nil {
		err = described.Error()
	}
	if err != nil {
		return fmt.Errorf("describing group %s: %w", group, err)
	}
	var members []string
	for _, m := range described[group].Members {
		if m.InstanceID != nil {
			members = append(members, *m.InstanceID)
		}
	}
	errs := []error{missed}
	for _, t := range ofTheGone(group, asker, open, members) {
		errs = append(errs, f.end(ctx, t, can.endsExactly))
	}
	return errors.Join(errs...)
}

// open returns the group's members' transactions that wait for their producers.
func (f *fencer) open(ctx context.Context, group string) ([]openTransaction, error) {
	listed, missed := f.admin.ListTransactionsByTxPattern(ctx, nil, []string{stateOngoing}, "^"+regexp.QuoteMeta(group+".")+".*$")
	var ids []string
	for _, id := range listed.TransactionalIDs() {
		if isMemberOf(group, id) { // older brokers ignore the pattern
			ids = append(ids, id)
		}
	}
	if missed != nil {
		missed = fmt.Errorf("listing transactions: %w", missed)
	}
	if len(ids) == 0 { // asked for none, the client would describe all
		return nil, missed
	}
	described, err := f.admin.DescribeTransactions(ctx, ids...)
	errs := []error{missed, err}
	var open []openTransaction
	for _, d := range described.Sorted() {
		switch {
		case d.Err == nil:
			open = append(open, openTransaction{id: d.TxnID, state: d.State, producer: d.ProducerID, epoch: d.ProducerEpoch})
		case !errors.Is(d.Err, kerr.TransactionalIDNotFound):
			errs = append(errs, fmt.Errorf("describing transaction of %s: %w", d.TxnID, d.Err))
		}
	}
	return open, errors.Join(errs...)
}

// end aborts a transaction if its producer still has the epoch that was described.
//
// KIP-360's way, InitProducerID with the expected id and epoch, compares the epoch
// only while nothing is open. Seen on Apache Kafka 4.3.1, and so in its source: of
// a newer life with the same producer id, a transaction that is open is aborted
// whatever epoch is expected.
//
//	old life: open, epoch 0 … gone       new life: open, epoch 2
//	InitProducerID(expects epoch 0)      aborts epoch 2
//	EndTxn(epoch 0, abort)               PRODUCER_FENCED; epoch 2 commits
//
// So EndTxn it is, where it takes the epoch away from who had it (KIP-890, part 2;
// each transaction has an epoch of its own then). Where it doesn't, a producer that
// is alive all the same would go on in its epoch and commit what comes after the
// abort without what came before; so there it is InitProducerID. At worst a newer
// life loses its session then, and no records.
func (f *fencer) end(ctx context.Context, t openTransaction, exactly bool) error {
	var code int16
	if exactly {
		req := kmsg.NewPtrEndTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = t.id, t.producer, t.epoch, false
		resp, err := req.RequestWith(ctx, f.client)
		if err != nil {
			return fmt.Errorf("ending the transaction of %s: %w", t.id, err)
		}
		code = resp.ErrorCode
	} else {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch = &t.id, t.producer, t.epoch
		req.TransactionTimeoutMillis = int32(f.cfg.TransactionTimeout.Milliseconds())
		resp, err := req.RequestWith(ctx, f.client)
		if err != nil {
			return fmt.Errorf("fencing the producer of %s: %w", t.id, err)
		}
		code = resp.ErrorCode
	}
	switch err := kerr.ErrorForCode(code); {
	// CONCURRENT_TRANSACTIONS: the abort is under way, ours or somebody's. It
	// isn't asked for again: a newer life may have an epoch by then.
	case err == nil, errors.Is(err, kerr.ConcurrentTransactions):
		f.cfg.Logger.Info("ended the open transaction of a member that is gone", "transactional_id", t.id, "producer", t.producer, "epoch", t.epoch)
		return nil
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch), errors.Is(err, kerr.InvalidTxnState),
		errors.Is(err, kerr.InvalidProducerIDMapping), errors.Is(err, kerr.TransactionalIDNotFound):
		// It has ended meanwhile, or has been by another node, or its member is
		// back.
		return nil
	default:
		return fmt.Errorf("ending the transaction of %s: %w", t.id, err)
	}
}

var errNoListing = errors.New("the brokers are too old to list transactions (Kafka 3.0 and later do)")

// abilities is what the brokers can do about transactions of others.
type abilities struct {
	list        bool
	endsExactly bool // an EndTxn is for one epoch, and ends it
}

func (f *fencer) abilities(ctx context.Context) (abilities, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "holdfast", "1"
	resp, err := req.RequestWith(ctx, f.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return abilities{}, fmt.Errorf("asking for the brokers' versions: %w", err)
	}
	most := map[kmsg.Key]int16{}
	for _, k := range resp.ApiKeys {
		most[kmsg.Key(k.ApiKey)] = k.MaxVersion + 1
	}
	can := abilities{list: most[kmsg.ListTransactions] > 0 && most[kmsg.DescribeTransactions] > 0}
	for _, feature := range resp.FinalizedFeatures {
		if feature.Name == "transaction.version" && feature.MaxVersionLevel >= 2 {
			can.endsExactly = most[kmsg.EndTxn] > 5
		}
	}
	return can, nil
}
