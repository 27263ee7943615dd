package audit

import (
	"slices"

	"holdfast/topology/record"
)

// Cut is where the audit ends: offsets captured in the order of its fields.
type Cut struct {
	// Committed holds the next offset that the consuming stage's group will
	// read, of intake's inputs and of the internal logs. A partition that isn't
	// in it counts as not consumed at all.
	Committed map[TopicPartition]record.Offset
	// Ends holds the ends, captured in the groups of CaptureOrder: records at or
	// beyond them are left out. They must be high watermarks: a last stable
	// offset can be held back by one open transaction while a later one, whose
	// input is committed already, has its effects behind it. A reader so waits
	// until what is open below the ends has been committed or aborted. A
	// partition that isn't in it is taken as far as it is given.
	Ends map[TopicPartition]record.Offset
	// Starts holds the offsets at which the partitions begin today. Above 0
	// means trimmed: the audit opens with the counters that it finds first.
	Starts map[TopicPartition]record.Offset
	// From holds where reading begins after a checkpoint; see Resume. What isn't
	// in it is read from its start.
	From map[TopicPartition]record.Offset
}

// First returns the offset at which a partition is to be read first.
func (c *Cut) First(tp TopicPartition) record.Offset { return max(c.Starts[tp], c.From[tp]) }

func (c *Cut) from(offsets map[TopicPartition]int64) {
	c.From = map[TopicPartition]record.Offset{}
	for tp, o := range offsets {
		c.From[tp] = record.Offset(o)
	}
}

// CaptureOrder sorts topics into the groups in which their ends must be asked
// for, one group after the other: what an effect needs as its cause is captured
// after it, so that no effect is seen without. Topics that the audit doesn't
// read are left out.
//
//	public outputs, dead letters -> log.availability -> log.orders -> log.inventory -> public inputs
//
// log.orders and log.inventory cause each other. A decision is held against its
// command, and a command against nothing, so the commands come later.
func CaptureOrder(topics []string) [][]string {
	groups := make([][]string, 5)
	for _, t := range topics {
		switch roleOf(t) {
		case roleOrderEvents, roleStatus, roleChannelStock, roleStockEvents, roleDead:
			groups[0] = append(groups[0], t)
		case roleAvailability:
			groups[1] = append(groups[1], t)
		case roleOrders:
			groups[2] = append(groups[2], t)
		case roleInventory:
			groups[3] = append(groups[3], t)
		case roleInput:
			groups[4] = append(groups[4], t)
		}
	}
	return slices.DeleteFunc(groups, func(g []string) bool { return len(g) == 0 })
}
