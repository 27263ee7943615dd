package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// stablePatience is no more than what the client would wait by itself.
	stablePatience = time.Second
	stableAskAgain = 10 * time.Millisecond
)

// awaitStable waits until a group's offsets of partitions that a member was given
// are stable, at most for a while. The client asks for them right afterwards; where
// one isn't stable, it asks again only after a second, and a takeover would take
// that second longer:
//
//	group:   let in ──────────────────────────────> the client asks, and is answered
//	fencer:        └> list, describe, end ┐            ^
//	here:          └> unstable … unstable … stable ────┘
//
// The client's polls wait for it. What a dead member left open also hides what the
// other partitions' decisions came to, so that nobody misses them meanwhile.
func (c *Cluster) awaitStable(ctx context.Context, group string, given map[string][]int32) {
	if len(given) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stablePatience)
	defer cancel()
	for {
		if stable, err := c.stable(ctx, group, given); stable || err != nil {
			return // the client will meet the error too, and deal with it
		}
		if pause(ctx, stableAskAgain) != nil {
			return
		}
	}
}

// stable asks once.
func (c *Cluster) stable(ctx context.Context, group string, given map[string][]int32) (bool, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = group, true
	for name, partitions := range given {
		topic := kmsg.NewOffsetFetchRequestTopic()
		topic.Topic, topic.Partitions = name, partitions
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return false, err
	}
	unstable := func(code int16) bool { return errors.Is(kerr.ErrorForCode(code), kerr.UnstableOffsetCommit) }
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if unstable(p.ErrorCode) {
					return false, nil
				}
			}
		}
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if unstable(p.ErrorCode) {
				return false, nil
			}
		}
	}
	return true, nil
}
