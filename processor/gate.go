package processor

import (
	"context"
	"time"

	"holdfast/topology"
	"holdfast/topology/record"
)

// gate keeps a stage's other inputs waiting until its tables, as they are when
// the worker starts, have been worked off: an order that came together with the
// warehouses must not be decided as if there were none. It opens once, for the
// life of the worker.
//
// Whichever worker of the group has the tables works them off; the others see it
// by the group's committed offset. Markers of transactions behind it are nobody's
// to consume, so they don't count. Should that offset not come (a table's partition
// has halted, or somebody's transaction hangs) the gate opens after a while all the
// same: late rows are better than no orders.
type gate struct {
	tables []TopicPartition
	isOpen bool
	giveUp time.Time
	next   time.Time
	asked  chan bool
}

const (
	gateAskEvery  = 50 * time.Millisecond
	gateGiveUp    = 10 * time.Second
	gateAskWithin = 5 * time.Second
	// gateMarkersMax is how much is read to find that it is markers alone; most
	// often it is one.
	gateMarkersMax = 100
)

// newGate returns the gate of a stage; one without tables is open.
func newGate(t *topology.Topology, s *topology.Stage) *gate {
	g := &gate{}
	for _, short := range s.Inputs {
		topic := t.Lookup(short)
		for p := range topic.Partitions {
			if topic.Role == topology.RoleTable {
				g.tables = append(g.tables, TopicPartition{topic.Name, record.Partition(p)})
			}
		}
	}
	g.isOpen = len(g.tables) == 0 || len(g.tables) == len(s.Inputs)
	return g
}

// passes tells whether a partition may be started.
func (g *gate) passes(tp TopicPartition) bool {
	if g.isOpen {
		return true
	}
	for _, table := range g.tables {
		if table.Topic == tp.Topic {
			return true
		}
	}
	return false
}

// ask opens the gate when it is time, asking the cluster beside the loop.
func (g *gate) ask(w *worker) {
	if g.isOpen {
		return
	}
	now := w.cfg.Env.Now()
	if g.giveUp.IsZero() {
		g.giveUp = now.Add(gateGiveUp)
	}
	if g.asked != nil {
		select {
		case done := <-g.asked:
			g.asked, g.isOpen = nil, done
		default:
		}
	}
	if now.After(g.giveUp) && !g.isOpen {
		w.log.Warn("tables aren't worked off yet; going on without", "waited", gateGiveUp)
		g.isOpen = true
	}
	if g.isOpen || g.asked != nil || now.Before(g.next) {
		return
	}
	g.next = now.Add(gateAskEvery)
	asked := make(chan bool, 1)
	g.asked = asked
	w.cfg.Env.Spawn(func() { asked <- tablesDone(w.cfg.Cluster, w.group, g.tables) })
}

// tablesDone tells whether the group has consumed all tables.
func tablesDone(c Cluster, group string, tables []TopicPartition) bool {
	ctx, cancel := context.WithTimeout(context.Background(), gateAskWithin)
	defer cancel()
	for _, tp := range tables {
		start, end, err := c.Bounds(ctx, tp)
		if err != nil {
			return false
		}
		committed, _, err := c.Committed(ctx, group, tp)
		if err != nil || !onlyMarkers(ctx, c, tp, max(start, committed), end) {
			return false
		}
	}
	return true
}

// onlyMarkers tells whether the partition holds no record from an offset to end.
func onlyMarkers(ctx context.Context, c Cluster, tp TopicPartition, from, end record.Offset) bool {
	if from >= end {
		return true
	}
	if end-from > gateMarkersMax {
		return false
	}
	reader, err := c.Read(ctx, tp, from)
	if err != nil {
		return false
	}
	defer reader.Close()
	for from < end {
		records, err := reader.Read(ctx)
		if err != nil {
			return false
		}
		for i := range records {
			if !records[i].Control {
				return false
			}
			from = records[i].Offset + 1
		}
	}
	return true
}
