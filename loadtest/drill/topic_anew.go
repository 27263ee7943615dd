package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicAnew: an internal log is deleted and made anew under a running node.
func topicAnew() Drill {
	return Drill{
		Name: "topic-anew", Fault: "an internal log is deleted and created again under a running node",
		Expected: "all its partitions halt and say so; the other stages' don't", Bound: 30 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			a := s.Node("a")
			if _, err := s.Under(ctx, Rate{Orders: 50, SKUs: 200}, a); err != nil {
				return err
			}
			topic := s.LogTopic("availability")
			if err := s.MakeAnew(ctx, topic); err != nil {
				return err
			}
			began := time.Now()
			if err := await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
				status, err := a.Status(ctx)
				if err != nil {
					return err.Error(), nil
				}
				for _, p := range status.Partitions {
					if p.Topic != topic {
						continue
					}
					if p.Phase != "halted" {
						return fmt.Sprintf("%s is %s", p.Place, p.Phase), nil
					}
					if !strings.Contains(p.Reason, "made anew") {
						return "", fmt.Errorf("%s has halted, and the reason isn't the one: %s", p.Place, p.Reason)
					}
				}
				return "", nil
			}); err != nil {
				return err
			}
			s.Took("all its partitions have halted", time.Since(began), s.Drill.Bound)
			halted, err := a.Halted(ctx)
			if err != nil {
				return err
			}
			for place, reason := range halted {
				if place.Topic != topic {
					return fmt.Errorf("%s has halted, too: %s", place, reason)
				}
			}
			return s.StopAll(ctx)
		},
	}
}

// MakeAnew deletes a topic and creates it again, as it was.
func (s *Scene) MakeAnew(ctx context.Context, topic string) error {
	admin, err := s.Admin()
	if err != nil {
		return err
	}
	topics, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", topic, err)
	}
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", topic, err)
	}
	own := map[string]*string{}
	for _, c := range configs {
		for _, one := range c.Configs {
			if one.Source == kmsg.ConfigSourceDynamicTopicConfig {
				own[one.Key] = one.Value
			}
		}
	}
	if _, err := admin.DeleteTopic(ctx, topic); err != nil {
		return fmt.Errorf("deleting %s: %w", topic, err)
	}
	if err := await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
		if _, err := admin.CreateTopic(ctx, int32(len(topics[topic].Partitions)), 1, own, topic); err != nil {
			return fmt.Sprintf("creating %s: %v", topic, err), nil // its name isn't free yet
		}
		return "", nil
	}); err != nil {
		return err
	}
	// The controller has answered; a broker tells others of it a moment later.
	return await(ctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
		now, err := admin.ListTopics(ctx, topic)
		if t := now[topic]; err != nil || t.Err != nil || t.ID == topics[topic].ID {
			return fmt.Sprintf("that %s is listed (%v)", topic, errors.Join(err, t.Err)), nil
		}
		return "", nil
	})
}
