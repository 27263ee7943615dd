package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// poison: records that nobody can take, on every public topic, among the good.
func poison() Drill {
	const each = 20
	return Drill{
		Name: "poison", Fault: fmt.Sprintf("%d records that can't be read, of five kinds, on each of five public topics, and a node that is killed among them", 5*each),
		Expected: "each is a dead letter, once; no partition halts; audit passes", Bound: 15 * time.Second, Timeout: 2 * time.Minute,
		Do: func(ctx context.Context, s *Scene) error {
			if err := s.Apply(ctx); err != nil {
				return err
			}
			a := s.Node("a")
			w, err := s.Under(ctx, Rate{Orders: 50, SKUs: 200}, a)
			if err != nil {
				return err
			}
			client, err := s.Client()
			if err != nil {
				return err
			}
			kinds := []string{"", "\x00\xff\xfe", `{"`, `{"type":"of another world"}`, "[" + strings.Repeat("[", 10_000)}
			var records []*kgo.Record
			for i := range each {
				for _, topic := range []string{"channel.web.orders", "channel.shopee.orders", "stock.feed", "fulfilment.feed", "warehouses"} {
					for kind, text := range kinds {
						if text == "" && topic == "warehouses" {
							continue // a row that is deleted
						}
						records = append(records, &kgo.Record{Topic: s.App + "." + topic, Key: []byte("poison-" + strconv.Itoa(kind) + "-" + strconv.Itoa(i)), Value: []byte(text)})
					}
				}
			}
			half := len(records) / 2
			if err := client.ProduceSync(ctx, records[:half]...).FirstErr(); err != nil {
				return fmt.Errorf("sending what can't be read: %w", err)
			}
			if err := a.Kill(ctx); err != nil {
				return err
			}
			if err := client.ProduceSync(ctx, records[half:]...).FirstErr(); err != nil {
				return fmt.Errorf("sending what can't be read: %w", err)
			}
			w.Mark()
			if err := a.Start(); err != nil {
				return err
			}
			took, err := w.Again(ctx)
			if err != nil {
				return err
			}
			s.Took("all partitions decide again", took, s.Drill.Bound)
			if err := s.Judge(ctx); err != nil {
				return err
			}
			if err := s.NoneHalted(ctx); err != nil {
				return err
			}
			letters, err := s.Count(ctx, s.App+".dlq")
			if err != nil {
				return err
			}
			if letters != len(records) {
				return fmt.Errorf("%d records couldn't be read, and there are %d dead letters", len(records), letters)
			}
			s.Note("%d dead letters", letters)
			return s.StopAll(ctx)
		},
	}
}

// Count reads a topic from its start to its end, and counts what is committed.
func (s *Scene) Count(ctx context.Context, topic string) (n int, err error) {
	admin, err := s.Admin()
	if err != nil {
		return 0, err
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("looking up where %s ends: %w", topic, err)
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.Kafka.Address), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableClientMetrics())
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", topic, err)
	}
	defer reader.Close()
	left := map[int32]int64{}
	for partition, o := range ends[topic] {
		if o.Offset > 0 {
			left[partition] = o.Offset
		}
	}
	for len(left) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return 0, fmt.Errorf("reading %s: %w", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() && r.Offset < ends[topic][r.Partition].Offset {
				n++
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return n, nil
}
