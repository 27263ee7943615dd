package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
)

// connectExisting connects to look at what there is. Unless somebody says which
// channels there are, they are those that have topics: who asks about an order
// of a demo, or from another machine, needn't have its configuration.
func (a *app) connectExisting(ctx context.Context) (*kgo.Client, *topology.Topology, error) {
	s, err := a.settings()
	if err != nil {
		return nil, nil, err
	}
	cl, err := a.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s.from["channels"] == "" {
		found, err := channelsOn(ctx, cl, s.AppID)
		if err != nil {
			cl.Close()
			return nil, nil, err
		}
		s.Channels = found
	}
	n, err := brokerCount(ctx, cl)
	if err == nil {
		var t *topology.Topology
		if t, err = s.Topology(n); err == nil {
			return cl, t, nil
		}
	}
	cl.Close()
	return nil, nil, err
}

// channelsOn lists the channels that have a topic for orders.
func channelsOn(ctx context.Context, cl *kgo.Client, appID string) ([]string, error) {
	topics, err := kadm.NewClient(cl).ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the topics: %w", err)
	}
	before, after, _ := strings.Cut(topology.ChannelOrders("\x00"), "\x00")
	var channels []string
	for name := range topics {
		short, ours := strings.CutPrefix(name, appID+".")
		channel, ok := strings.CutPrefix(short, before)
		channel, ok2 := strings.CutSuffix(channel, after)
		if ours && ok && ok2 && topology.IsChannelName(channel) {
			channels = append(channels, channel)
		}
	}
	if len(channels) == 0 {
		return nil, fmt.Errorf("there is no topic of an application %q on this cluster (--app-id says which one is meant)", appID)
	}
	slices.Sort(channels)
	return channels, nil
}
