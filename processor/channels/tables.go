package channels

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// namesMax bounds the numbers of names: a number beyond it isn't one of ours.
const namesMax = 1 << 20

// tables are the rows of warehouses and channels in the task's state, what
// follows from them, and the names behind the numbers in items.
//
// Reading and parsing them in every transaction would cost more than the
// transaction. They are kept beyond it, together with the stamp they were read
// under: the value of the key n, which changes with every row and name. The
// next transaction takes them as they are only if the stamp in state is still
// the same. What was changed in an open transaction has no stamp: it may be
// aborted, and is forgotten at its end.
type tables struct {
	stamp []byte // nil: must be read
	dirty bool   // changed in this transaction, to be written

	epoch      uint64   // grows with every change of a row
	rows       int      // number of rows in state, deleted ones too: tells a read that broke off
	channels   []string // configured when the state was written
	warehouses names
	shops      names
	houses     map[string]*record.Warehouse // by id, what is in the table now
	byChannel  map[string][]record.Shop     // in order of shop

	view    // what follows from the rows
	derived bool
	before  view // the one before rows of this transaction changed it
}

// view is all that publishing needs of the tables.
type view struct {
	active []shop   // who is published to, by number
	serves [][]bool // [warehouse number][channel]: may sell from there
}

func (v *view) equal(w *view) bool {
	return slices.Equal(v.active, w.active) &&
		slices.EqualFunc(v.serves, w.serves, func(a, b []bool) bool { return slices.Equal(a, b) })
}

// shop is one whom updates go to.
type shop struct {
	number      int
	key         string // "channel/shop"
	channel     int
	channelName string
	buffer      record.Quantity
	cap         record.Quantity // -1: none
	low         record.Quantity
	isActive    bool
}

// names gives numbers to names, for ever: 0, 1, 2, …
type names struct {
	list   []string
	number map[string]int
}

func (n *names) of(name string) (number int, isNew bool) {
	if i, ok := n.number[name]; ok {
		return i, false
	}
	return n.add(name), true
}

func (n *names) add(name string) int {
	if n.number == nil {
		n.number = map[string]int{}
	}
	i := len(n.list)
	n.list = append(n.list, name)
	n.number[name] = i
	return i
}

// load reads the tables unless they are those in state already. It returns true
// when the configured channels aren't those that the state was made with.
func (t *tables) load(tx stage.Tx, channels []string) (otherChannels bool) {
	if t.dirty {
		return false // newer than what is in state
	}
	stamp, _ := tx.Get([]byte(keyNames))
	if t.stamp != nil && bytes.Equal(t.stamp, stamp) {
		return false
	}
	*t = tables{houses: map[string]*record.Warehouse{}, byChannel: map[string][]record.Shop{}}
	if err := t.decodeNames(stamp); err != nil {
		panic(fmt.Sprintf("BUG: names in state: %v", err))
	}
	rows := 0
	t.scanRows(tx, prefixWarehouse, &rows)
	t.scanRows(tx, prefixShop, &rows)
	if !slices.Equal(t.channels, channels) {
		t.channels = slices.Clone(channels)
		t.epoch++
		t.dirty, otherChannels = true, true
	}
	t.derive(channels)
	if rows == t.rows && !t.dirty {
		t.stamp = bytes.Clone(stamp)
	}
	return otherChannels
}

func (t *tables) scanRows(tx stage.Tx, prefix byte, rows *int) {
	tx.Scan([]byte{prefix}, []byte{prefix + 1}, func(key, value []byte) bool {
		row, err := record.DecodeTableRow(value)
		if err != nil {
			panic(fmt.Sprintf("BUG: row %q in state: %v", key, err))
		}
		*rows++
		t.set(prefix, &row)
		return true
	})
}

// apply takes a row that came in with the log, unless it is an old one.
func (t *tables) apply(tx stage.Tx, prefix byte, body []byte) {
	row, err := record.DecodeTableRow(body)
	if err != nil {
		panic(fmt.Sprintf("BUG: row in the log: %v", err))
	}
	key := appendRowKey(nil, prefix, row.Key)
	old, known := tx.Get(key)
	if known {
		was, err := record.DecodeTableRow(old)
		if err != nil {
			panic(fmt.Sprintf("BUG: row %q in state: %v", key, err))
		}
		if was.Version >= row.Version {
			return
		}
	} else {
		t.rows++
	}
	// A deleted row stays as one, for its version.
	tx.Put(key, body)
	t.set(prefix, &row)
	t.epoch++
	t.dirty, t.stamp = true, nil
	if t.derived {
		t.derived, t.before, t.view = false, t.view, view{}
	}
}

// deriveAnew works the view out again if a row has changed, and tells whether
// any SKU can feel it: a warehouse's name, priority or place says nothing of what
// may be sold, nor does a row of a warehouse without stock.
func (t *tables) deriveAnew(channels []string) bool {
	if t.derived {
		return false
	}
	t.derive(channels)
	return !t.view.equal(&t.before)
}

// set puts a row into memory, or takes it out.
func (t *tables) set(prefix byte, row *record.TableRow) {
	if prefix == prefixWarehouse {
		delete(t.houses, row.Key)
		if !row.Deleted {
			w := &record.Warehouse{}
			mustUnmarshal(row, w)
			t.houses[row.Key] = w
		}
		return
	}
	channel, name, _ := strings.Cut(row.Key, "/")
	list := t.byChannel[channel]
	i := 0
	for i < len(list) && list[i].Shop < name {
		i++
	}
	if i < len(list) && list[i].Shop == name {
		list = append(list[:i], list[i+1:]...)
	}
	if !row.Deleted {
		s := record.Shop{}
		mustUnmarshal(row, &s)
		s.Shop = name
		list = append(list[:i], append([]record.Shop{s}, list[i:]...)...)
	}
	t.byChannel[channel] = list
}

func mustUnmarshal(row *record.TableRow, v any) {
	if err := json.Unmarshal(row.JSON, v); err != nil {
		panic(fmt.Sprintf("BUG: row %q was let through by intake: %v", row.Key, err))
	}
}

// derive works out who is published to, and who may sell from where.
func (t *tables) derive(channels []string) {
	t.derived = true
	isServed := make([]bool, len(channels))
	for _, w := range t.houses {
		for c, name := range channels {
			isServed[c] = isServed[c] || w.ServesChannel(name)
		}
	}
	t.active = t.active[:0]
	for c, name := range channels {
		rows := t.byChannel[name]
		if len(rows) == 0 && isServed[c] {
			rows = []record.Shop{{Channel: name, Shop: "main"}}
		}
		for i := range rows {
			t.addShop(c, name, &rows[i])
		}
	}
	sortShops(t.active)
	t.serves = t.serves[:0]
	for number := range t.warehouses.list {
		t.addServes(channels, number)
	}
}

func (t *tables) addShop(channel int, name string, row *record.Shop) {
	key := name + "/" + row.Shop
	number, isNew := t.shops.of(key)
	if isNew {
		t.dirty, t.stamp = true, nil
	}
	s := shop{
		number: number, key: key, channel: channel, channelName: name,
		buffer: row.Buffer, cap: -1, low: row.LowMark(), isActive: row.IsActive(),
	}
	if row.Cap != nil {
		s.cap = *row.Cap
	}
	t.active = append(t.active, s)
}

func (t *tables) addServes(channels []string, number int) {
	serves := make([]bool, len(channels))
	if w := t.houses[t.warehouses.list[number]]; w != nil && w.IsActive() {
		for c, name := range channels {
			serves[c] = w.ServesChannel(name)
		}
	}
	t.serves = append(t.serves, serves)
}

// warehouse returns the number of a warehouse that has stock.
func (t *tables) warehouse(channels []string, id record.WarehouseID) int {
	if i, ok := t.warehouses.number[string(id)]; ok {
		return i
	}
	i := t.warehouses.add(strings.Clone(string(id)))
	t.addServes(channels, i)
	t.dirty, t.stamp = true, nil
	return i
}

// sortShops sorts by number; the list is short and nearly in order.
func sortShops(list []shop) {
	for i := 1; i < len(list); i++ {
		for k := i; k > 0 && list[k].number < list[k-1].number; k-- {
			list[k], list[k-1] = list[k-1], list[k]
		}
	}
}

// write puts the names into state if they or a row have changed.
func (t *tables) write(tx stage.Tx) {
	if !t.dirty {
		return
	}
	tx.Put([]byte(keyNames), t.appendNames(nil))
}

// reset forgets what the ended transaction had changed: it may be undone.
func (t *tables) reset() {
	if t.dirty {
		*t = tables{}
	}
}

const namesVersion = 1

// appendNames appends [version, epoch, rows, [channel…], [warehouse…], [shop…]].
func (t *tables) appendNames(b []byte) []byte {
	b = pack.AppendArray(b, 6)
	b = pack.AppendUint(b, namesVersion)
	b = pack.AppendUint(b, t.epoch)
	b = pack.AppendUint(b, uint64(t.rows))
	for _, list := range [][]string{t.channels, t.warehouses.list, t.shops.list} {
		b = pack.AppendArray(b, len(list))
		for _, name := range list {
			b = pack.AppendString(b, name)
		}
	}
	return b
}

func (t *tables) decodeNames(value []byte) error {
	if len(value) == 0 {
		return nil
	}
	r := pack.NewReader(value)
	r.Form("names", namesVersion, 6, 6)
	t.epoch = r.Uint()
	t.rows = readNumber(&r)
	for i := r.Array(); i > 0 && r.Err() == nil; i-- {
		t.channels = append(t.channels, r.String())
	}
	for _, n := range []*names{&t.warehouses, &t.shops} {
		for i := r.Array(); i > 0 && r.Err() == nil; i-- {
			n.add(r.String())
		}
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("names: %w", err)
	}
	return nil
}
