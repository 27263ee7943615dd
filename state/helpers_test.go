package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testIdentity() Identity {
	return Identity{ClusterID: "c1", Topic: "app.changelog.inventory", TopicID: [16]byte{1, 2, 3}, Partition: 3}
}

// testConfig is that of a simulation: small, inline, in memory.
func testConfig(fs vfs.FS) Config {
	return Config{
		Dir: "/data/inventory-3", Identity: testIdentity(), FS: fs, SyncFlush: true,
		MemTableBytes: 256 << 10, LogBytesMin: 64,
	}
}

func openStore(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { s.Abandon() })
	return s
}

// fakeLog is a changelog partition: what is committed, with holes where markers and aborted records are.
type fakeLog struct {
	start   Offset
	end     Offset
	records []fakeRecord
	random  *rand.Rand
}

type fakeRecord struct {
	offset Offset
	value  []byte
}

func newFakeLog(random *rand.Rand) *fakeLog { return &fakeLog{random: random} }

// append commits parts and returns the offsets of the first and the last.
func (l *fakeLog) append(parts [][]byte) (first, last Offset) {
	first = l.end
	for _, part := range parts {
		l.records = append(l.records, fakeRecord{l.end, append([]byte(nil), part...)})
		last = l.end
		l.end++
	}
	l.marker()
	return first, last
}

func (l *fakeLog) marker() { l.end++ }

// abort leaves parts in the log as an aborted transaction does: offsets that no reader sees.
func (l *fakeLog) abort(parts [][]byte) { l.end += Offset(len(parts)) + 1 }

func (l *fakeLog) trim(to Offset) {
	l.start = max(l.start, to)
	for len(l.records) > 0 && l.records[0].offset < to {
		l.records = l.records[1:]
	}
}

// bytes is the length of the log by the store's measure.
func (l *fakeLog) bytes() (n int64) {
	for _, r := range l.records {
		n += int64(len(r.value)) + recordOverheadBytes
	}
	return n
}

// restore rolls s forward to the log's end.
func (l *fakeLog) restore(t testing.TB, s *Store) *Restore {
	t.Helper()
	r := s.NewRestore()
	require.NoError(t, r.LogStart(l.start))
	for _, record := range l.records {
		require.NoError(t, r.Feed(record.offset, record.value))
	}
	return r
}

// commit prepares, appends and commits.
func commit(t testing.TB, s *Store, l *fakeLog, input Offset, extra int) {
	t.Helper()
	parts, err := s.Prepare(input, int64(input), extra)
	require.NoError(t, err)
	first, last := l.append(parts)
	require.NoError(t, s.Commit(first, last))
}

func contents(t testing.TB, s *Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, s.Each(func(key, value []byte) bool {
		all[string(key)] = string(value)
		return true
	}))
	return all
}

// requireSame compares contents, and shows only what differs.
func requireSame(t testing.TB, want, have map[string]string) {
	t.Helper()
	var differ []string
	for key, value := range want {
		if other, ok := have[key]; !ok || other != value {
			differ = append(differ, fmt.Sprintf("%q: want %.20q, have %.20q %v", key, value, other, ok))
		}
	}
	for key, value := range have {
		if _, ok := want[key]; !ok {
			differ = append(differ, fmt.Sprintf("%q: want nothing, have %.20q", key, value))
		}
	}
	slices.Sort(differ)
	require.Empty(t, differ[:min(len(differ), 10)])
}
