package record

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOrderKeyIsCutAtItsFirstTwoSlashes(t *testing.T) {
	require.Equal(t, OrderKey("web/main/W/10/01"), MakeOrderKey("web", "main", "W/10/01"))
	channel, shop, id, ok := OrderKey("web/main/W/10/01").Cut()
	require.Equal(t, []any{"web", "main", "W/10/01", true}, []any{channel, shop, id, ok})
	for _, k := range []OrderKey{"", "web", "web/main"} {
		_, _, _, ok = k.Cut()
		require.False(t, ok, k)
	}
}

func TestMillis(t *testing.T) {
	for text, want := range map[string]Millis{
		`"2025-11-11T00:00:01+07:00"`: 1762794001000,
		`"2025-11-10T17:00:01.25Z"`:   1762794001250,
		`"1970-01-01T00:00:00Z"`:      0,
		`""`:                          0,
		`null`:                        0,
	} {
		var m Millis
		require.NoError(t, json.Unmarshal([]byte(text), &m), text)
		require.Equal(t, want, m, text)
	}
	for _, text := range []string{`"2025-11-11"`, `"2025-11-11 00:00:01"`, `"2025-11-11T00:00:01"`, `"x"`} {
		var m Millis
		require.ErrorIs(t, json.Unmarshal([]byte(text), &m), ErrTime, text)
	}
	b, err := json.Marshal(struct{ A, B Millis }{1762794001250, 0})
	require.NoError(t, err)
	require.Equal(t, `{"A":"2025-11-10T17:00:01.250Z","B":""}`, string(b))
}

func TestWords(t *testing.T) {
	require.Equal(t, "t/3@5", Origin{"t", 3, 5}.String())
	for k := KindTick; k <= KindCatalog; k++ {
		require.NotEqual(t, "unknown", k.String())
	}
	for v := VerbReserve; v <= verbMax; v++ {
		require.NotEqual(t, "unknown", v.String())
	}
	for o := OutcomeGranted; o <= OutcomeStale; o++ {
		require.NotEqual(t, "unknown", o.String())
	}
	for e := OrderCreated; e < orderEventTypeCount; e++ {
		require.NotEqual(t, "unknown", e.String())
	}
	for _, s := range []string{Kind(0).String(), Kind(200).String(), Verb(200).String(), Outcome(200).String(), OrderEventType(200).String()} {
		require.Equal(t, "unknown", s)
	}
	require.Equal(t, Quantity(-4), Counters{OnHand: 5, Unavailable: 1, Held: 3, Allocated: 5}.Available())
}
