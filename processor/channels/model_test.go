package channels_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/channels"
	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

const windowMillis = 250

// model is the simple truth: rows and availabilities as they came, and what was
// published last.
type model struct {
	t        *testing.T
	channels []string
	houses   map[string]*record.Warehouse
	shops    map[string]*record.Shop
	catalog  map[string]*record.CatalogItem
	stock    map[record.SKU]*record.Availability                // of SKUs that were fed
	heard    map[record.SKU]map[record.SKU]*record.Availability // combo, component
	fed      map[record.SKU]bool                                // or a component of it
	seen     map[string]bool                                    // sku/warehouse of all availabilities since the SKU was fed
	told     map[string]record.ChannelStock
	counted  map[string]record.StockUpdate
	differs  map[record.SKU]record.Millis // since when
	versions map[string]record.Offset     // of rows, also deleted ones
}

func newModel(t *testing.T, names []string) *model {
	return &model{
		t: t, channels: names, houses: map[string]*record.Warehouse{}, shops: map[string]*record.Shop{}, catalog: map[string]*record.CatalogItem{},
		stock: map[record.SKU]*record.Availability{}, heard: map[record.SKU]map[record.SKU]*record.Availability{}, fed: map[record.SKU]bool{},
		seen: map[string]bool{}, told: map[string]record.ChannelStock{}, counted: map[string]record.StockUpdate{},
		differs: map[record.SKU]record.Millis{}, versions: map[string]record.Offset{},
	}
}

// parts returns the components of a combo.
func (m *model) parts(sku record.SKU) []record.Component {
	if row := m.catalog[string(sku)]; row != nil {
		return row.Components
	}
	return nil
}

// list returns who has to be told: shops by key, with what they are.
func (m *model) list() map[string]*record.Shop {
	out := map[string]*record.Shop{}
	for _, channel := range m.channels {
		hasRow := false
		for key, row := range m.shops {
			if row.Channel == channel {
				out[key], hasRow = row, true
			}
		}
		for _, w := range m.houses {
			if !hasRow && w.ServesChannel(channel) {
				out[channel+"/main"] = &record.Shop{Channel: channel, Shop: "main"}
			}
		}
	}
	return out
}

// wrong returns what isn't published as it is; urgentOnly: what can't wait.
func (m *model) wrong(sku record.SKU, urgentOnly bool) (out []string) {
	if !m.fed[sku] {
		return nil
	}
	list := m.list()
	for key := range m.told {
		name, keySKU := cutTold(key)
		if channel, _, _ := strings.Cut(name, "/"); keySKU == sku && list[name] == nil && slices.Contains(m.channels, channel) {
			list[name] = nil
		}
	}
	for name, shop := range list {
		want := m.sellable(sku, shop)
		last, was := m.told[name+" "+string(sku)]
		low := record.Quantity(0)
		if shop != nil {
			low = shop.LowMark()
		}
		switch {
		case !was && (shop == nil || !shop.IsActive()):
		case urgentOnly && !(was && want < last.Sellable && want <= low):
		case !was || last.Sellable != want:
			out = append(out, fmt.Sprintf("%s of %s: told %d (%v), is %d", name, sku, last.Sellable, was, want))
		}
	}
	if urgentOnly || len(m.parts(sku)) > 0 {
		return out // a combo has no stock of its own
	}
	for key := range m.seen {
		house, keySKU := cutTold(key)
		if keySKU != sku {
			continue
		}
		want := record.Counters{}
		for _, row := range m.stock[sku].Rows {
			if string(row.Warehouse) == house {
				want = row.Counters
			}
		}
		last, was := m.counted[key]
		got := record.Counters{OnHand: last.OnHand, Unavailable: last.Unavailable, Held: last.Held, Allocated: last.Allocated}
		if !was || got != want || last.Available != want.Available() {
			out = append(out, fmt.Sprintf("%s at %s: counted %+v (%v), is %+v", sku, house, got, was, want))
		}
	}
	return out
}

func cutTold(key string) (name string, sku record.SKU) {
	name, rest, _ := strings.Cut(key, " ")
	return name, record.SKU(rest)
}

// take checks what one transaction published.
// It returns the SKUs published, and whether that couldn't wait.
func (m *model) take(published []stagetest.Published, now record.Millis) map[record.SKU]bool {
	urgent := map[record.SKU]bool{}
	rises := false
	list := m.list()
	for _, p := range published {
		if p.Topic == "stock.events" {
			u := decodeStrict[record.StockUpdate](m.t, p.Value)
			require.Empty(m.t, m.parts(u.SKU), "stock of a combo: %s", p.Value)
			key := string(u.Warehouse) + " " + string(u.SKU)
			last, was := m.counted[key]
			require.Equal(m.t, p.Key, string(u.SKU))
			require.Greater(m.t, u.Version, last.Version)
			require.GreaterOrEqual(m.t, u.Version, int64(now))
			version, at := u.Version, u.At
			u.Version, u.At = last.Version, last.At
			require.False(m.t, was && u == last, "published without a change: %s", p.Value)
			u.Version, u.At = version, at
			m.counted[key] = u
			if _, ok := urgent[u.SKU]; !ok {
				urgent[u.SKU] = false
			}
			continue
		}
		u := decodeStrict[record.ChannelStock](m.t, p.Value)
		require.Equal(m.t, "channel."+u.Channel+".stock", p.Topic)
		require.Equal(m.t, p.Key, string(u.SKU))
		require.Contains(m.t, m.channels, u.Channel)
		require.True(m.t, m.fed[u.SKU], "an order alone publishes nothing")
		name := u.Channel + "/" + u.Shop
		key := name + " " + string(u.SKU)
		last, was := m.told[key]
		require.Greater(m.t, u.Version, last.Version)
		require.GreaterOrEqual(m.t, u.Version, int64(now))
		require.Equal(m.t, now, u.At)
		require.False(m.t, was && u.Sellable == last.Sellable, "published without a change: %s", p.Value)
		falls := was && u.Sellable < last.Sellable
		low := record.Quantity(0)
		if shop := list[name]; shop != nil {
			low = shop.LowMark()
		}
		require.Equal(m.t, falls && u.Sellable <= low, u.Urgent, "%s after %d", p.Value, last.Sellable)
		if falls || u.Sellable == 0 {
			require.False(m.t, rises, "a decrease after an increase: %s", p.Value)
		} else {
			rises = true
		}
		m.told[key] = u
		urgent[u.SKU] = urgent[u.SKU] || u.Urgent
	}
	return urgent
}

func decodeStrict[T any](t *testing.T, b []byte) T {
	var v T
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&v), "%s", b)
	again, err := json.Marshal(v)
	require.NoError(t, err)
	require.Equal(t, string(again), string(b))
	return v
}

// Random transactions, some of them aborted, with restarts and other channels
// configured in between. After every committed one: versions grow, nothing is
// published without a change, what can't wait is published, decreases come
// first; nothing waits longer than its window; and when all windows are closed,
// what was published last is what the model says.
func TestModel(t *testing.T) {
	seed := uint64(20261111)
	if s := os.Getenv("HOLDFAST_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("HOLDFAST_SEED=%d", seed)
	for _, chunk := range []int{1, 1000} {
		t.Run(fmt.Sprintf("chunk=%d", chunk), func(t *testing.T) {
			run(t, &world{Rand: rand.New(rand.NewPCG(seed, uint64(chunk))), fed: map[record.SKU]bool{}}, chunk, 15_000)
		})
	}
}

func run(t *testing.T, w *world, chunk, steps int) {
	all := []string{"web", "shopee", "pos"}
	newStage := func(list []string) *channels.Stage {
		return channels.New(channels.Config{Channels: list, WindowMillis: windowMillis, ChunkMax: chunk})
	}
	m := newModel(t, all)
	task := stagetest.NewTask(newStage(all))
	task.Clock = 1_000_000
	published := 0
	for step := range steps {
		if w.IntN(300) == 0 {
			m.channels = [][]string{all, {"web", "shopee"}, {"pos", "web"}}[w.IntN(3)]
			task.Stage = newStage(m.channels)
		} else if w.IntN(50) == 0 {
			task.Stage = newStage(m.channels)
		}
		now := task.Clock + record.Millis(w.IntN(120))
		var entries []record.Entry
		var effects []func()
		for range w.IntN(4) {
			e, effect := randomEntry(w, m)
			entries, effects = append(entries, e), append(effects, effect)
		}
		if len(entries) == 0 {
			entries = append(entries, record.Entry{Kind: record.KindTick})
		}
		task.Counted = nil
		if w.IntN(10) == 0 {
			abort(w, task, now, entries)
			continue
		}
		for _, effect := range effects {
			effect()
		}
		task.Entries(now, entries...)
		counted(t, task)
		published += len(task.Published)
		settle(m, task, chunk, step)
		if step%50 == 49 {
			closeAll(m, task, chunk, step)
		}
	}
	t.Logf("%d records published in %d transactions", published, steps)
	require.Greater(t, published, steps/10)
}

// counted checks that the updates published are counted, urgent ones apart.
func counted(t *testing.T, task *stagetest.Task) {
	got, want := map[string]int{}, map[string]int{}
	for i, n := range task.Counted {
		got[channels.Outcomes()[i]] = n
	}
	for _, p := range task.Published {
		switch {
		case p.Topic == "stock.events":
		case bytes.Contains(p.Value, []byte(`"urgent":true`)):
			want["stock_update urgent"]++
		default:
			want["stock_update normal"]++
		}
	}
	require.Equal(t, want, got)
}

// prune forgets what was heard under the keys of combos of SKUs that aren't their
// components, or that no feed has named.
func (m *model) prune() {
	for combo, heard := range m.heard {
		for sku, a := range heard {
			isPart := slices.ContainsFunc(m.parts(combo), func(p record.Component) bool { return p.SKU == sku })
			if !isPart || !a.Fed {
				delete(heard, sku)
			}
		}
		m.fed[combo] = m.fed[combo] || len(heard) > 0
	}
}

// abort runs a transaction and takes all of it back. In some of them reads fail:
// the run time then lets the stage decide on nothing found, and aborts.
func abort(w *world, task *stagetest.Task, now record.Millis, entries []record.Entry) {
	state, clock := maps.Clone(task.State), task.Clock
	if w.IntN(2) == 0 {
		task.Entries(now, entries...)
	} else {
		decideFlaky(w, task, now, entries)
	}
	task.State, task.Clock, task.Published = state, clock, nil
}

func decideFlaky(w *world, task *stagetest.Task, now record.Millis, entries []record.Entry) {
	var e record.EnvelopeBuilder
	for _, x := range entries {
		e.Add(x.Kind, x.Key, x.Origin, x.Body)
	}
	task.Clock = now
	tx := &flaky{Task: task, world: w}
	defer task.Stage.Reset()
	defer func() { _ = recover() }() // names that can't be read: the task fails, as it must
	task.Stage.Decide(tx, &stage.Record{Topic: "log", Value: e.Close(), At: now})
	task.Stage.Finish(tx)
}

// flaky is a transaction whose reads fail now and then.
type flaky struct {
	*stagetest.Task
	world *world
}

func (f *flaky) Get(key []byte) ([]byte, bool) {
	if f.world.IntN(4) == 0 {
		return nil, false
	}
	return f.Task.Get(key)
}

func (f *flaky) Scan(from, to []byte, fn func(key, value []byte) bool) {
	f.Task.Scan(from, to, func(key, value []byte) bool { return f.world.IntN(4) > 0 && fn(key, value) })
}

// settle checks what a committed transaction published and left unpublished.
func settle(m *model, task *stagetest.Task, chunk, step int) {
	now := task.Clock
	m.prune()
	for sku, a := range m.stock {
		for _, row := range a.Rows {
			m.seen[string(row.Warehouse)+" "+string(sku)] = true
		}
	}
	urgent := m.take(task.Published, now)
	task.Published = nil
	_, passing := task.State["r"]
	for sku := range m.fed {
		if !passing {
			require.Empty(m.t, m.wrong(sku, true), "step %d: can't wait", step)
		}
		if chunk > 100 {
			m.window(sku, now, urgent, step)
		}
	}
}

// window follows a SKU's window: it opens with the first difference, and is over
// when its time has come or something couldn't wait. Nothing else publishes.
func (m *model) window(sku record.SKU, now record.Millis, urgent map[record.SKU]bool, step int) {
	since, isOpen := m.differs[sku]
	isUrgent, isPublished := urgent[sku]
	over := isOpen && now >= since+windowMillis
	if isPublished && !isUrgent {
		require.True(m.t, over, "step %d: %s was published inside its window", step, sku)
	}
	if isUrgent || over {
		delete(m.differs, sku)
		require.Empty(m.t, m.wrong(sku, false), "step %d: waits longer than its window", step)
	}
	if _, isOpen = m.differs[sku]; !isOpen && len(m.wrong(sku, false)) > 0 {
		m.differs[sku] = now
	}
}

func closeAll(m *model, task *stagetest.Task, chunk, step int) {
	now := task.Clock + windowMillis
	for i := 0; ; i++ {
		require.Less(m.t, i, 100, "work never ends")
		task.Tick(now)
		settle(m, task, chunk, step)
		due, ok := task.Stage.Due(task)
		task.Stage.Reset()
		if !ok {
			break
		}
		now = max(now, due)
	}
	for sku := range m.fed {
		require.Empty(m.t, m.wrong(sku, false), "step %d, all windows closed", step)
	}
	requireSound(m.t, task)
}
