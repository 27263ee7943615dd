package state

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMetaRoundTrip(t *testing.T) {
	for _, cursor := range []string{"", "k", "a long key of many bytes"} {
		want := meta{changelog: 5, completeAfter: complete, state: goldenState()}
		want.state.sweep.cursor = append([]byte(nil), cursor...)
		have, err := decodeMeta(want.append(nil))
		require.NoError(t, err)
		require.Equal(t, want, have)
	}
	fresh := newMeta()
	have, err := decodeMeta(fresh.append(nil))
	require.NoError(t, err)
	require.Equal(t, fresh, have)
}

// What can't be, isn't believed: neither of a delta nor of the store itself.
func TestStateOutOfRange(t *testing.T) {
	good := make([]byte, stateBytes)
	at := goldenState()
	at.encode(good)
	back, err := decodeState(good)
	require.NoError(t, err)
	require.Equal(t, at, back)

	for number, bad := range map[int][]int64{
		0:  {-2, math.MinInt64}, // input
		2:  {-1},                // round
		3:  {-1},                // start
		4:  {-1},                // previous
		6:  {-1},                // passed
		7:  {-1},                // state
		8:  {-1, 19_999},        // log, before the round's start
		9:  {-1, 30_001, 9_999}, // the round's start, behind the log's end, before the round before it
		10: {-1, 20_001},        // the round before it, behind the round's start
	} {
		for _, n := range bad {
			broken := append([]byte(nil), good...)
			binary.LittleEndian.PutUint64(broken[1+8*number:], uint64(n))
			_, err := decodeState(broken)
			require.ErrorIs(t, err, errState, "number %d: %d", number, n)
		}
	}
	broken := append([]byte(nil), good...)
	broken[0] = 1 << 2
	_, err = decodeState(broken)
	require.ErrorIs(t, err, errState, "an unknown flag")
	broken[0] = flagBegins
	_, err = decodeState(broken)
	require.ErrorIs(t, err, errState, "begins here, and elsewhere")

	m := meta{changelog: 5, completeAfter: complete, state: at}
	for _, broken := range []meta{
		{changelog: -1, completeAfter: complete, state: at},
		{changelog: 5, completeAfter: -2, state: at},
		{changelog: 5, completeAfter: complete, state: state{sweep: sweep{start: startsHere}}},
	} {
		_, err := decodeMeta(broken.append(nil))
		require.Error(t, err)
	}
	_, err = decodeMeta(m.append(nil)[:metaBytes-1])
	require.Error(t, err)
}

// Whatever bytes stand where a store keeps its position, they are refused or mean
// what is written back as the same.
func FuzzMeta(f *testing.F) {
	m := newMeta()
	f.Add(m.append(nil))
	f.Add([]byte{})
	f.Add(make([]byte, metaBytes))
	f.Fuzz(func(t *testing.T, from []byte) {
		got, err := decodeMeta(from)
		if err == nil {
			require.Equal(t, from, got.append(nil))
		}
	})
}
