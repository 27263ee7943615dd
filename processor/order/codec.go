package order

import (
	"fmt"

	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// The state value of an order:
//
//	[version, create hash, flags, payment, allow, pickup, place, phase, attempt, seq, state, state at,
//	 expires, decide by, drop, cause, [item…], [line…], seen bin]
//	place = nil | [lat e6, lng e6]
//	item  = [sku, qty] | [sku, qty, waiting, missing, reason, [warehouse, qty, …]]   the long form is decided
//	line  = [id, item, qty, [state, qty, warehouse, …]]   and where one of them is, both: [warehouse, level, qty, …], [combo, per set] | nil
const orderVersion = 3

const (
	flagFact = 1 << iota
	flagReviving
	flagPaid
	flagHard
	flagCompleted
	flagHasInbox
	flagReminded
	flagRetry
)

func (o *Order) flags() uint64 {
	var f uint64
	for i, set := range [...]bool{o.Fact, o.Reviving, o.Paid, o.Hard, o.Completed, o.HasInbox, o.Reminded, o.Retry} {
		if set {
			f |= 1 << i
		}
	}
	return f
}

// AppendOrder appends o's state value.
func AppendOrder(b []byte, o *Order) []byte {
	b = pack.AppendArray(b, 19)
	b = pack.AppendUint(b, orderVersion)
	b = pack.AppendUint(b, o.CreateHash)
	b = pack.AppendUint(b, o.flags())
	b = pack.AppendUint(b, uint64(o.Payment))
	b = pack.AppendUint(b, uint64(o.Allow))
	b = pack.AppendString(b, o.PickupAt)
	if o.HasPlace {
		b = pack.AppendInt(pack.AppendInt(pack.AppendArray(b, 2), o.LatE6), o.LngE6)
	} else {
		b = pack.AppendNil(b)
	}
	b = pack.AppendUint(b, uint64(o.Phase))
	b = pack.AppendUint(b, uint64(o.Attempt))
	b = pack.AppendInt(b, o.Seq)
	b = pack.AppendUint(b, uint64(o.State))
	b = pack.AppendInt(b, int64(o.StateAt))
	b = pack.AppendInt(b, int64(o.ExpiresAt))
	b = pack.AppendInt(b, int64(o.DecideBy))
	b = pack.AppendInt(b, int64(o.DropAt))
	b = pack.AppendString(b, o.Cause)
	b = pack.AppendArray(b, len(o.Items))
	for i := range o.Items {
		b = appendItem(b, &o.Items[i])
	}
	b = pack.AppendArray(b, len(o.Lines))
	for i := range o.Lines {
		b = appendLine(b, &o.Lines[i])
	}
	return pack.AppendBytes(b, o.Seen)
}

func appendItem(b []byte, it *Item) []byte {
	if !it.Decided {
		b = pack.AppendString(pack.AppendArray(b, 2), it.SKU)
		return pack.AppendInt(b, int64(it.Qty))
	}
	b = pack.AppendString(pack.AppendArray(b, 6), it.SKU)
	b = pack.AppendInt(b, int64(it.Qty))
	b = pack.AppendInt(b, int64(it.Waiting))
	b = pack.AppendInt(b, int64(it.Missing))
	b = pack.AppendString(b, it.Reason)
	b = pack.AppendArray(b, len(it.Granted)*2)
	for _, g := range it.Granted {
		b = pack.AppendInt(pack.AppendString(b, g.Warehouse), int64(g.Qty))
	}
	return b
}

func appendLine(b []byte, l *Line) []byte {
	fields := 4
	if l.Combo != "" || len(l.Named) > 0 {
		fields = 6
	}
	b = pack.AppendString(pack.AppendArray(b, fields), l.ID)
	b = pack.AppendUint(b, uint64(l.Item))
	b = pack.AppendInt(b, int64(l.Qty))
	b = pack.AppendArray(b, len(l.Parts)*3)
	for _, p := range l.Parts {
		b = pack.AppendUint(b, uint64(p.State))
		b = pack.AppendInt(b, int64(p.Qty))
		b = pack.AppendString(b, p.Warehouse)
	}
	if fields == 4 {
		return b
	}
	b = pack.AppendArray(b, len(l.Named)*3)
	for _, n := range l.Named {
		b = pack.AppendUint(pack.AppendString(b, n.Warehouse), uint64(n.Level))
		b = pack.AppendInt(b, int64(n.Qty))
	}
	if l.Combo == "" {
		return pack.AppendNil(b)
	}
	return pack.AppendInt(pack.AppendString(pack.AppendArray(b, 2), l.Combo), int64(l.PerSet))
}

// Decode reads what AppendOrder wrote into o, whose memory is used again.
// Strings are views of value.
func (o *Order) Decode(value []byte) error {
	o.reset()
	r := pack.NewReader(value)
	r.Form("order", orderVersion, 19, 19)
	o.CreateHash = r.Uint()
	flags := r.Uint()
	o.Fact, o.Reviving, o.Paid = flags&flagFact != 0, flags&flagReviving != 0, flags&flagPaid != 0
	o.Hard, o.Completed, o.HasInbox = flags&flagHard != 0, flags&flagCompleted != 0, flags&flagHasInbox != 0
	o.Reminded, o.Retry = flags&flagReminded != 0, flags&flagRetry != 0
	o.Payment = record.Payment(readSmall(&r, uint64(record.PaymentCOD)))
	o.Allow = record.Allow(readSmall(&r, uint64(record.AllowBackorder)))
	o.PickupAt = record.WarehouseID(r.View())
	if !r.Nil() {
		r.ArrayOf(2)
		o.HasPlace, o.LatE6, o.LngE6 = true, r.Int(), r.Int()
	}
	o.Phase = Phase(readSmall(&r, uint64(PhaseCancelled)))
	o.Attempt = uint32(readSmall(&r, 1<<32-1))
	o.Seq = r.Int()
	o.State = record.ChannelState(readSmall(&r, uint64(record.StateCompleted)))
	o.StateAt = record.Millis(r.Int())
	o.ExpiresAt = record.Millis(r.Int())
	o.DecideBy = record.Millis(r.Int())
	o.DropAt = record.Millis(r.Int())
	o.Cause = r.View()
	for n := r.Array(); n > 0 && r.Err() == nil; n-- {
		readItem(&r, o.growItems())
	}
	for n := r.Array(); n > 0 && r.Err() == nil; n-- {
		readLine(&r, o.growLines(), len(o.Items))
	}
	o.Seen = append(o.Seen, r.Bytes()...)
	if len(o.Seen)%seenBytes != 0 {
		r.Fail(fmt.Errorf("%d bytes of events seen: %w", len(o.Seen), pack.ErrForm))
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	return nil
}

func readItem(r *pack.Reader, it *Item) {
	n := r.Array()
	it.SKU = record.SKU(r.View())
	it.Qty = record.Quantity(r.Int())
	if n == 2 {
		return
	}
	if n != 6 {
		r.Fail(fmt.Errorf("item of %d: %w", n, pack.ErrForm))
	}
	it.Decided = true
	it.Waiting = record.Quantity(r.Int())
	it.Missing = record.Quantity(r.Int())
	it.Reason = r.View()
	for n := readMultiple(r, 2); n > 0 && r.Err() == nil; n-- {
		it.Granted = append(it.Granted, record.WarehouseQty{Warehouse: record.WarehouseID(r.View()), Qty: record.Quantity(r.Int())})
	}
}

func readLine(r *pack.Reader, l *Line, items int) {
	fields := r.Array()
	if fields != 4 && fields != 6 {
		r.Fail(fmt.Errorf("line of %d: %w", fields, pack.ErrForm))
	}
	l.ID = r.View()
	at := r.Uint()
	if r.Err() == nil && at >= uint64(items) {
		r.Fail(fmt.Errorf("item %d of %d: %w", at, items, pack.ErrForm))
	}
	l.Item = int(at)
	l.Qty = record.Quantity(r.Int())
	for n := readMultiple(r, 3); n > 0 && r.Err() == nil; n-- {
		p := Part{State: UnitState(readSmall(r, uint64(UnitReturned))), Qty: record.Quantity(r.Int()), Warehouse: record.WarehouseID(r.View())}
		if p.State == 0 || p.State&(p.State-1) != 0 || p.Qty <= 0 {
			r.Fail(fmt.Errorf("%d units in state %d: %w", p.Qty, p.State, pack.ErrForm))
		}
		l.Parts = append(l.Parts, p)
	}
	l.PerSet = 1
	if fields == 6 {
		readLineRest(r, l)
	}
}

// readLineRest reads what few lines have.
func readLineRest(r *pack.Reader, l *Line) {
	for n := readMultiple(r, 3); n > 0 && r.Err() == nil; n-- {
		l.Named = append(l.Named, Named{Warehouse: record.WarehouseID(r.View()), Level: UnitState(readSmall(r, uint64(UnitReturned))), Qty: record.Quantity(r.Int())})
		if x := l.Named[len(l.Named)-1]; x.Level == 0 || x.Level&(x.Level-1) != 0 || x.Qty <= 0 {
			r.Fail(fmt.Errorf("%d units named for level %d: %w", x.Qty, x.Level, pack.ErrForm))
		}
	}
	if !r.Nil() {
		r.ArrayOf(2)
		l.Combo, l.PerSet = record.SKU(r.View()), record.Quantity(r.Int())
		if l.Combo == "" || l.PerSet <= 0 {
			r.Fail(fmt.Errorf("%d units in a set of %q: %w", l.PerSet, l.Combo, pack.ErrForm))
		}
	}
}

// readMultiple reads the header of an array of n-tuples and returns how many
// there are.
func readMultiple(r *pack.Reader, n int) int {
	got := r.Array()
	if got%n != 0 {
		r.Fail(pack.ErrForm)
		return 0
	}
	return got / n
}

// readSmall reads a number that is at most most.
func readSmall(r *pack.Reader, most uint64) uint64 {
	v := r.Uint()
	if v > most {
		r.Fail(fmt.Errorf("%d where at most %d is known: %w", v, most, pack.ErrForm))
		return 0
	}
	return v
}
