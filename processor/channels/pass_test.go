package channels_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/channels"
	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// sorted is a task whose keys stay as they are once they are sorted: a scan
// finds its way as a store does, and the stage is what takes the time.
type sorted struct {
	*stagetest.Task
	keys      []string
	published int
	bytes     int
}

func (s *sorted) sort() {
	s.keys = s.keys[:0]
	for key := range s.State {
		s.keys = append(s.keys, key)
	}
	slices.Sort(s.keys)
}

func (s *sorted) Scan(from, to []byte, fn func(key, value []byte) bool) {
	i, _ := slices.BinarySearch(s.keys, string(from))
	for ; i < len(s.keys) && (to == nil || s.keys[i] < string(to)); i++ {
		if value, ok := s.State[s.keys[i]]; ok && !fn([]byte(s.keys[i]), value) {
			return
		}
	}
}

func (s *sorted) Publish(_ string, key, value []byte) {
	s.published++
	s.bytes += len(key) + len(value)
}

func (s *sorted) Count(int) {}

// transaction runs one with these entries.
func (s *sorted) transaction(at record.Millis, entries ...record.Entry) {
	var e record.EnvelopeBuilder
	for _, x := range entries {
		e.Add(x.Kind, x.Key, x.Origin, x.Body)
	}
	if len(entries) == 0 {
		e.Add(record.KindTick, nil, record.Origin{}, nil)
	}
	s.Clock = at
	s.Stage.Decide(s, &stage.Record{Topic: "log", Short: "log", At: at, Value: e.Close()})
	s.Stage.Finish(s)
	s.Stage.Reset()
}

// rest lets time pass until nothing is due, and returns the number of transactions.
func (s *sorted) rest() int {
	for n := 0; ; n++ {
		due, ok := s.Stage.Due(s)
		s.Stage.Reset()
		if !ok {
			return n
		}
		s.transaction(max(due, s.Clock+1))
	}
}

// newSorted has so many SKUs in two warehouses, six shops that have been told,
// and a policy for every tenth SKU.
func newSorted(tb testing.TB, skus int) *sorted {
	names := []string{"shopee", "lazada", "tiktok", "shopify", "pos", "web"}
	s := &sorted{Task: stagetest.NewTask(channels.New(channels.Config{Channels: names}))}
	var entries []record.Entry
	for i, id := range []string{"HCM-1", "HN-1"} {
		entries = append(entries, rowEntry(record.KindWarehouse, id, int64(i), fmt.Sprintf(`{"id":%q}`, id)))
	}
	for i, name := range names {
		entries = append(entries, rowEntry(record.KindShop, name+"/main", int64(i), fmt.Sprintf(`{"channel":%q,"shop":"main"}`, name)))
	}
	s.transaction(1000, entries...)
	for from := 0; from < skus; from += 5000 {
		entries = entries[:0]
		for i := from; i < min(from+5000, skus); i++ {
			a := &record.Availability{SKU: record.SKU(fmt.Sprintf("SKU-%06d", i)), Fed: true, Rows: []record.AvailabilityRow{
				{Warehouse: "HCM-1", Number: 7, Counters: record.Counters{OnHand: 1000, Allocated: record.Quantity(i % 900)}},
				{Warehouse: "HN-1", Number: 9, Counters: record.Counters{OnHand: record.Quantity(i % 300)}},
			}}
			if i%10 == 0 {
				a.Buffer, a.Policies = 5, []record.ChannelPolicy{{Channel: "shopee", Buffer: 20, Cap: record.SettingKeep}}
			}
			entries = append(entries, availabilityEntry(a.SKU, a))
		}
		s.transaction(s.Clock+1, entries...)
	}
	s.sort()
	s.rest()
	s.sort()
	require.Equal(tb, skus*(6+2), s.published)
	s.published, s.bytes = 0, 0
	return s
}

func rowEntry(kind record.Kind, key string, version int64, json string) record.Entry {
	row := record.TableRow{Key: key, Version: record.Offset(version), JSON: []byte(json)}
	return record.Entry{Kind: kind, Key: []byte(key), Body: record.AppendTableRow(nil, &row)}
}

// A change that all feel is published for all, in bounded transactions; one that
// nobody can feel touches nothing.
func TestPassTouchesWhatCanFeelIt(t *testing.T) {
	s := newSorted(t, 12_000)
	s.transaction(s.Clock+1, rowEntry(record.KindWarehouse, "HN-1", 100, `{"id":"HN-1","name":"Hà Nội","priority":7}`))
	require.Zero(t, s.rest(), "a name")
	require.Zero(t, s.published)

	s.transaction(s.Clock+1, rowEntry(record.KindWarehouse, "HN-1", 101, `{"id":"HN-1","serves":["web"]}`))
	n := s.rest()
	require.GreaterOrEqual(t, n, 12_000/5000, "in chunks")
	require.LessOrEqual(t, n, 20)
	stocked := 0
	for i := range 12_000 {
		if i%300 > 0 {
			stocked++
		}
	}
	require.Equal(t, 5*stocked, s.published, "five channels for each SKU with stock there, and no other")
}

// What a change of a table costs the stage: 100,000 SKUs in six shops, all of
// them told anew. The state is a map.
func BenchmarkPass(b *testing.B) {
	const skus = 100_000
	s := newSorted(b, skus)
	b.ReportAllocs()
	transactions := 0
	for i := int64(0); b.Loop(); i++ {
		var entries []record.Entry
		for _, name := range strings.Fields("shopee lazada tiktok shopify pos web") {
			entries = append(entries, rowEntry(record.KindShop, name+"/main", 1000+i, fmt.Sprintf(`{"channel":%q,"shop":"main","cap":%d}`, name, 1+i%2)))
		}
		s.transaction(s.Clock+1, entries...)
		transactions += 1 + s.rest()
	}
	b.ReportMetric(float64(b.N)*skus/b.Elapsed().Seconds(), "skus/s")
	b.ReportMetric(float64(s.published)/float64(b.N)/skus, "records/sku")
	b.ReportMetric(float64(s.bytes)/float64(s.published), "B/record")
	b.ReportMetric(float64(transactions)/float64(b.N), "transactions")
}
