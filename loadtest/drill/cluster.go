package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// clusterBrokers is how many there are, and clusterPorts how far behind the shared
// broker's port theirs begin.
const (
	clusterBrokers = 3
	clusterPorts   = 20
)

// openCluster starts three brokers on 127.0.0.1 from that port on, with nothing
// on them.
func openCluster(ctx context.Context, script string, port int, stderr io.Writer) (*Kafka, error) {
	var addresses []string
	for i := range clusterBrokers {
		addresses = append(addresses, "127.0.0.1:"+strconv.Itoa(port+i))
	}
	k := &Kafka{Address: strings.Join(addresses, ","), Port: port, script: script, stderr: stderr, started: true, cluster: true}
	if err := k.clean(ctx); err != nil {
		return nil, fmt.Errorf("cleaning up what an earlier cluster has left: %w", err)
	}
	if err := k.do(ctx, stderr, "cluster", "start"); err != nil {
		_ = k.Close(ctx) // those that did start
		return nil, fmt.Errorf("starting three brokers: %w", err)
	}
	return k, nil
}

// clean removes the brokers' data and logs, which are kept where a drill failed.
func (k *Kafka) clean(ctx context.Context) error {
	return k.do(context.WithoutCancel(ctx), io.Discard, "cluster", "clean")
}

// Broker does something to one of a cluster, 1 to 3, and comes back when it is
// done: start, stop (as an operator does), kill (as a crash does).
func (k *Kafka) Broker(ctx context.Context, verb string, n int32) error {
	return k.do(ctx, k.stderr, "cluster", verb, strconv.Itoa(int(n)))
}

// InSync waits until every partition of the cluster, Kafka's own included, has a
// leader and all its replicas in sync: only then may the next broker go.
func (s *Scene) InSync(ctx context.Context) error {
	return await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
		m, err := s.metadata(ctx, nil)
		if err != nil {
			return fmt.Sprintf("listing the topics: %v", err), nil // a broker that was asked is just going
		}
		behind := 0
		for i := range m.Topics {
			for _, p := range m.Topics[i].Partitions {
				if p.Leader < 0 || len(p.ISR) < clusterBrokers {
					behind++
				}
			}
		}
		if behind > 0 || len(m.Topics) == 0 {
			return fmt.Sprintf("%d partitions aren't in sync", behind), nil
		}
		return "", nil
	})
}

// Fenced waits until the cluster counts a broker out, and has moved what it led.
func (s *Scene) Fenced(ctx context.Context, n int32) error {
	return await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
		m, err := s.metadata(ctx, []kmsg.MetadataRequestTopic{})
		if err != nil {
			return fmt.Sprintf("listing the brokers: %v", err), nil
		}
		if slices.ContainsFunc(m.Brokers, func(b kmsg.MetadataResponseBroker) bool { return b.NodeID == n }) {
			return fmt.Sprintf("broker %d still counts as alive", n), nil
		}
		return "", nil
	})
}

// metadata asks a broker; the admin client answers from what it heard before. No
// topics means all.
func (s *Scene) metadata(ctx context.Context, topics []kmsg.MetadataRequestTopic) (*kmsg.MetadataResponse, error) {
	client, err := s.Client()
	if err != nil {
		return nil, err
	}
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = topics
	return req.RequestWith(ctx, client)
}

// Duties are what a broker does for the application.
type Duties struct {
	Leads        int // partitions of its topics
	Coordinates  int // of its groups
	Transactions int // of its members' transactional ids
}

// Duties asks who does what.
func (s *Scene) Duties(ctx context.Context) (map[int32]Duties, error) {
	admin, err := s.Admin()
	if err != nil {
		return nil, err
	}
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the topics: %w", err)
	}
	of := map[int32]Duties{}
	add := func(broker int32, fn func(d *Duties)) {
		d := of[broker]
		fn(&d)
		of[broker] = d
	}
	for name, t := range topics {
		for _, p := range t.Partitions {
			if strings.HasPrefix(name, s.App+".") {
				add(p.Leader, func(d *Duties) { d.Leads++ })
			}
		}
	}
	groups, err := admin.ListGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the groups: %w", err)
	}
	for _, g := range groups {
		add(g.Coordinator, func(d *Duties) { d.Coordinates++ })
	}
	transactions, err := admin.ListTransactions(ctx, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("listing the transactions: %w", err)
	}
	for _, t := range transactions {
		add(t.Coordinator, func(d *Duties) { d.Transactions++ })
	}
	return of, nil
}

// busiest is the broker that coordinates most groups, and leads most partitions,
// of those that haven't had their turn.
func busiest(of map[int32]Duties, before []int32) int32 {
	var best int32
	for n := int32(1); n <= clusterBrokers; n++ {
		if slices.Contains(before, n) {
			continue
		}
		a, b := of[n], of[best]
		if best == 0 || a.Coordinates > b.Coordinates || (a.Coordinates == b.Coordinates && a.Leads > b.Leads) {
			best = n
		}
	}
	return best
}

// Prefer has every partition led by its first replica again. After restarts that
// moves leaders, and, as Kafka's own topics are among them, coordinators.
func (s *Scene) Prefer(ctx context.Context) (moved int, err error) {
	admin, err := s.Admin()
	if err != nil {
		return 0, err
	}
	results, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, nil)
	if err != nil {
		return 0, fmt.Errorf("electing the preferred leaders: %w", err)
	}
	for _, partitions := range results {
		for _, r := range partitions {
			if r.Err == nil {
				moved++
			}
		}
	}
	return moved, nil
}
