package record

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/internal/golden"
)

// TestLetterNote: the bytes of version 1, which every later version reads, and
// what isn't a note of it.
func TestLetterNote(t *testing.T) {
	const written = `{"holdfast":1,"letter":"2:17","letter_at":"2025-11-10T16:00:00.123Z","action":"replayed","at":"2025-11-10T17:00:00.000Z",` +
		`"by":"ann@ops-1","because":"the row is there","sent":{"topic":"holdfast.channel.web.orders","partition":3,"offset":99}}`
	n := &LetterNote{Letter: "2:17", LetterAt: 1_762_790_400_123, Action: LetterReplayed, At: 1_762_794_000_000, By: "ann@ops-1",
		Because: "the row is there", Sent: &Sent{Topic: "holdfast.channel.web.orders", Partition: 3, Offset: 99}}
	require.Equal(t, written, string(n.Encode()))
	golden.Check(t, "letter_note", letterNoteVersion, n.Encode())
	golden.Each(t, "letter_note", func(_ int, b []byte) {
		_, err := DecodeLetterNote(b)
		require.NoError(t, err)
	})
	got, err := DecodeLetterNote([]byte(written))
	require.NoError(t, err)
	require.Equal(t, n, got)
	require.Equal(t, Origin{"holdfast.channel.web.orders", 3, 99}, got.Sent.Origin())
	for value, want := range map[string]string{
		`{"holdfast":2,"action":"replayed"}`: "of version 2, known is 1: use the Holdfast that wrote it, or a newer one",
		`{"action":"replayed"}`:              "of version 0",
		`{"holdfast":1,"action":"moved"}`:    `action "moved"`,
		`[]`:                                 "isn't a note",
		``:                                   "isn't a note",
	} {
		_, err := DecodeLetterNote([]byte(value))
		require.ErrorContains(t, err, want, value)
	}
}
