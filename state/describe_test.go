package state

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDescribe(t *testing.T) {
	var e encoder
	e.reset(0)
	e.put([]byte("a"), []byte("1"))
	e.delete([]byte("b"))
	e.endWrites()
	e.put([]byte("c"), []byte("3"))
	e.endSwept()
	parts, err := e.finish(state{input: 7, streamTime: 8}, 1<<20)
	require.NoError(t, err)
	d, err := Describe(parts[0])
	require.NoError(t, err)
	require.Equal(t, Offset(7), d.Input)
	require.EqualValues(t, 8, d.StreamTimeMillis)
	require.Equal(t, []EntryDescription{
		{Op: "put", Key: []byte("a"), Value: []byte("1")}, {Op: "delete", Key: []byte("b")}, {Op: "sweep", Key: []byte("c"), Value: []byte("3")},
	}, d.Entries)

	_, err = Describe(parts[0][:20])
	require.ErrorIs(t, err, errNoDelta)
	parts[0][len(parts[0])-1] ^= 1
	_, err = Describe(parts[0])
	require.ErrorIs(t, err, errChecksum)
}
