package main

import (
	"context"
	"os/exec"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
)

// contender is one of those that go through the drills.
type contender interface {
	name() string
	// create makes its topics; whoever made them removes all that begins with
	// prefix.
	create(ctx context.Context) error
	prefix() string
	group() string
	input() string
	outcomes() string
	// stock and line are records for the input.
	stock(sku, units int) *kgo.Record
	line(order, sku, quantity int) *kgo.Record
	// read calls fn for each line that a record of the outcomes is about.
	read(r *kgo.Record, fn func(order int, sku []byte)) error
	// command is a node that hasn't been started, with its state in dir.
	command(node, dir string, standbys int) (*exec.Cmd, error)
	// standbys asks a node that runs how far each of its standbys is behind, and
	// returns the longest in seconds and how many they are.
	standbys(n *node) (seconds float64, stores int, err error)
	// isNodes tells whether a member of the group is a node's.
	isNodes(member, node string) bool
}

const (
	partitions  = 8
	orderPrefix = "bench/main/O-"
	warehouse   = "WH-0"
)

// slots says which partition a SKU is on, for all contenders.
var slots = topology.DefaultSlots("inventory", partitions)
