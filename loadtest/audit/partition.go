package audit

import (
	"fmt"
	"strings"

	"holdfast/topology"
	"holdfast/topology/record"
)

// role is what a topic is to the audit.
type role uint8

const (
	roleNone role = iota
	roleInput
	roleOrders
	roleInventory
	roleAvailability
	roleOrderEvents
	roleStatus
	roleChannelStock
	roleStockEvents
	roleDead
)

func (r role) isLog() bool { return r == roleOrders || r == roleInventory || r == roleAvailability }

func roleOf(topic string) role {
	switch topic {
	case topology.StockFeed, topology.FulfilmentFeed:
		return roleInput
	case topology.LogOrders:
		return roleOrders
	case topology.LogInventory:
		return roleInventory
	case topology.LogAvailability:
		return roleAvailability
	case topology.OrderEvents:
		return roleOrderEvents
	case topology.StockEvents:
		return roleStockEvents
	case topology.DeadLetters:
		return roleDead
	}
	if name, ok := strings.CutPrefix(topic, "channel."); ok {
		switch {
		case strings.HasSuffix(name, ".orders"):
			return roleInput
		case strings.HasSuffix(name, ".status"):
			return roleStatus
		case strings.HasSuffix(name, ".stock"):
			return roleChannelStock
		}
	}
	return roleNone
}

// partition is what the audit knows of one partition of a topic.
type partition struct {
	TopicPartition
	role      role
	start     record.Offset
	committed record.Offset
	end       record.Offset
	bounded   bool // end is known
	trimmed   bool // it doesn't begin with its first record
	resumed   bool // start is where a checkpoint ended
	next      record.Offset
	records   int64
	newest    record.Millis // append time of the last record
	// Of internal logs: what their stage hasn't read below the cut.
	unread      int64
	unreadSince record.Millis
	moments     []moment     // of log.orders: when it has records
	standstills []standstill // of log.orders: when its stage was behind
	combos      catalog      // of a partition of log.orders, as far as it has been read

	// Of inputs, by offset − start: the record is there; an internal entry or a
	// dead letter names it; a dead letter names it.
	present, traced, dead offsetSet
	taken                 []taken
	// Before start, of a checkpoint: records that intake hadn't consumed, and
	// those that a dead letter named since.
	waiting, deadSince map[record.Offset]bool
	// appended holds the append time of the first record of each word of present.
	appended []record.Millis
}

func (a *Audit) partition(topic string, number record.Partition) *partition {
	if p, ok := a.partitions[TopicPartition{topic, number}]; ok {
		return p
	}
	tp := TopicPartition{strings.Clone(topic), number}
	p := &partition{TopicPartition: tp, role: roleOf(topic), start: a.cut.Starts[tp], committed: a.cut.Committed[tp]}
	p.trimmed = p.start > 0
	p.end, p.bounded = a.cut.Ends[tp]
	a.partitions[tp] = p
	return p
}

// addInput notes a public record.
func (p *partition) addInput(r *Record) {
	p.present.set(r.Offset - p.start)
	for len(p.appended) < len(p.present) {
		p.appended = append(p.appended, r.At)
	}
}

// place is where a record stands.
type place struct {
	p      *partition
	offset record.Offset
}

// consumed tells whether the stage that reads the partition has committed it.
func (at place) consumed() bool { return at.offset < at.p.committed }

// String formats as topic/partition@offset.
func (at place) String() string {
	if at.p == nil {
		return ""
	}
	return fmt.Sprintf("%s@%d", at.p.TopicPartition, at.offset)
}

// offsetSet is a set of offsets, counted from the partition's start.
type offsetSet []uint64

func (b *offsetSet) set(i record.Offset) {
	word := int(i >> 6)
	for len(*b) <= word {
		*b = append(*b, 0)
	}
	(*b)[word] |= 1 << (i & 63)
}

func (b offsetSet) has(i record.Offset) bool {
	word := int(i >> 6)
	return i >= 0 && word < len(b) && b[word]&(1<<(i&63)) != 0
}

// names gives numbers, from 1, to strings that come again and again.
type names struct {
	numbers map[string]uint32
	texts   []string
}

func newNames() names { return names{numbers: map[string]uint32{}, texts: []string{""}} }

// number returns s's number; s may be a view of memory that is used again.
func (n *names) number(s string) uint32 {
	if i, ok := n.numbers[s]; ok {
		return i
	}
	s = strings.Clone(s)
	i := uint32(len(n.texts))
	n.texts = append(n.texts, s)
	n.numbers[s] = i
	return i
}

func (n *names) text(i uint32) string { return n.texts[i] }
