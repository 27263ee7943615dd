package order

import "holdfast/topology/record"

// act is a number of units of a line that the event being decided shipped or
// cancelled.
type act struct {
	line      int
	qty       record.Quantity
	warehouse record.WarehouseID
}

// moves is what happens to the units of one item by one event, summed up over
// its lines. A command each, in this order: first inventory learns what the
// order no longer claims, then what left.
type moves struct {
	waiting   record.Quantity       // given up
	reduce    []record.WarehouseQty // claims given back
	ship      []record.WarehouseQty // claims that left
	unclaimed []record.WarehouseQty // left without a claim
}

// act notes units of a line for the channel, one entry for each warehouse.
func (t *turn) act(line int, n record.Quantity, at record.WarehouseID) {
	for i := range t.acts {
		if t.acts[i].line == line && t.acts[i].warehouse == at {
			t.acts[i].qty += n
			return
		}
	}
	t.acts = append(t.acts, act{line, n, at})
}

// beginMoves starts the list of what an event moves.
func (t *turn) beginMoves() {
	t.acts = t.acts[:0]
	clear(t.moves)
	t.moves = t.moves[:0]
}

func (t *turn) movesOf(item int) *moves {
	for len(t.moves) <= item {
		t.moves = append(t.moves, moves{})
	}
	return &t.moves[item]
}

// giveUpClaim notes that the order no longer claims, or waits for, units of a
// part.
func (t *turn) giveUpClaim(item int, p Part, n record.Quantity) {
	switch {
	case p.State == UnitWaiting:
		t.movesOf(item).waiting += n
	case p.State.in(unitsClaim):
		m := t.movesOf(item)
		m.reduce = addUnits(m.reduce, p.Warehouse, n)
	}
}

// sendMoves sends the commands.
func (t *turn) sendMoves(occurred record.Millis) {
	for item := range t.moves {
		m := &t.moves[item]
		if m.waiting > 0 || len(m.reduce) > 0 {
			t.command(item, record.Command{Verb: record.VerbReduce, Qty: m.waiting, Parts: m.reduce})
		}
		if len(m.ship) > 0 {
			t.command(item, record.Command{Verb: record.VerbShip, Parts: m.ship, OccurredAt: occurred})
		}
		if len(m.unclaimed) > 0 {
			t.command(item, record.Command{Verb: record.VerbShipUnclaimed, Parts: m.unclaimed, OccurredAt: occurred})
		}
	}
	t.changed = true
}

func addUnits(parts []record.WarehouseQty, at record.WarehouseID, qty record.Quantity) []record.WarehouseQty {
	for i := range parts {
		if parts[i].Warehouse == at {
			parts[i].Qty += qty
			return parts
		}
	}
	return append(parts, record.WarehouseQty{Warehouse: at, Qty: qty})
}
