package state

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

func storeOf(t *testing.T, puts ...string) *Store {
	t.Helper()
	s := openStore(t, testConfig(vfs.NewMem()))
	for i := 0; i < len(puts); i += 2 {
		s.Put([]byte(puts[i]), []byte(puts[i+1]))
	}
	commit(t, s, newFakeLog(nil), 1, 0)
	return s
}

func TestDiff(t *testing.T) {
	diff := func(a, b *Store) (all []string) {
		require.NoError(t, Diff(a, b, func(key, av, bv []byte) bool {
			all = append(all, fmt.Sprintf("%s %q %v %q %v", key, av, av == nil, bv, bv == nil))
			return true
		}))
		return all
	}
	a := storeOf(t, "a", "1", "b", "", "c", "3", "e", "5", "g", "")
	require.Empty(t, diff(a, a))
	require.Empty(t, diff(a, storeOf(t, "g", "", "e", "5", "c", "3", "b", "", "a", "1")))
	require.Equal(t, []string{
		`a "1" false "" true`, `b "" false "x" false`, `d "" true "4" false`, `e "5" false "" false`, `g "" false "" true`, `h "" true "" false`,
	}, diff(a, storeOf(t, "b", "x", "c", "3", "d", "4", "e", "", "h", "")))
	require.Len(t, diff(a, storeOf(t)), 5)
	require.Len(t, diff(storeOf(t), a), 5)

	calls := 0
	require.NoError(t, Diff(a, storeOf(t), func(_, _, _ []byte) bool { calls++; return calls < 2 }))
	require.Equal(t, 2, calls)
}

func TestDigest(t *testing.T) {
	digest := func(s *Store) Digest {
		d, err := s.Digest()
		require.NoError(t, err)
		return d
	}
	a := digest(storeOf(t, "a", "1", "b", "22"))
	require.Equal(t, int64(2), a.Keys)
	require.Equal(t, int64(5), a.Bytes)
	require.Equal(t, a, digest(storeOf(t, "b", "22", "a", "1")))
	for _, other := range [][]string{{"a", "1"}, {"a", "1", "b", "2", "c", "2"}, {"a", "1b", "b", "2"}, {"a", "2", "b", "21"}, nil} {
		require.NotEqual(t, a, digest(storeOf(t, other...)))
	}
}

// What is applied is seen, what a transaction is about to do isn't.
func TestEachSeesWhatIsApplied(t *testing.T) {
	s := storeOf(t, "a", "1", "b", "2")
	s.Put([]byte("a"), []byte("9"))
	s.Delete([]byte("b"))
	require.Equal(t, map[string]string{"a": "1", "b": "2"}, contents(t, s))
	commit(t, s, newFakeLogAt(s), 2, 0)
	require.Equal(t, map[string]string{"a": "9"}, contents(t, s))
	calls := 0
	require.NoError(t, s.Each(func(_, _ []byte) bool { calls++; return false }))
	require.Equal(t, 1, calls)
}

// newFakeLogAt is a log that ends where s stands.
func newFakeLogAt(s *Store) *fakeLog {
	at := s.Position().Changelog
	return &fakeLog{start: at, end: at}
}
