package record

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLetterNote: the bytes of version 1, which every later version reads, and
// what isn't a note of it.
func TestLetterNote(t *testing.T) {
	const golden = `{"holdfast":1,"letter":"2:17","letter_at":"2025-11-10T16:00:00.123Z","action":"replayed","at":"2025-11-10T17:00:00.000Z",` +
		`"by":"ann@ops-1","because":"the row is there","sent":{"topic":"holdfast.channel.web.orders","partition":3,"offset":99}}`
	n := &LetterNote{Letter: "2:17", LetterAt: 1_762_790_400_123, Action: LetterReplayed, At: 1_762_794_000_000, By: "ann@ops-1",
		Because: "the row is there", Sent: &Sent{Topic: "holdfast.channel.web.orders", Partition: 3, Offset: 99}}
	require.Equal(t, golden, string(n.Encode()))
	got, err := DecodeLetterNote([]byte(golden))
	require.NoError(t, err)
	require.Equal(t, n, got)
	require.Equal(t, Origin{"holdfast.channel.web.orders", 3, 99}, got.Sent.Origin())
	for value, want := range map[string]string{
		`{"holdfast":2,"action":"replayed"}`: "a note of version 2, this is version 1",
		`{"action":"replayed"}`:              "a note of version 0",
		`{"holdfast":1,"action":"moved"}`:    `action "moved"`,
		`[]`:                                 "isn't a note",
		``:                                   "isn't a note",
	} {
		_, err := DecodeLetterNote([]byte(value))
		require.ErrorContains(t, err, want, value)
	}
}
