package audit

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// same holds the reader's word against that of encoding/json.
func same(t *testing.T, value []byte) {
	t.Helper()
	var r publicReader
	for range 2 { // what it remembers of the first must not change the second
		u, err := r.update(value)
		var wantUpdate updateSeen
		if want := json.Unmarshal(value, &wantUpdate); want != nil {
			require.EqualError(t, err, want.Error())
		} else {
			require.NoError(t, err)
			if len(u.Lines) == 0 && len(wantUpdate.Lines) == 0 {
				u.Lines, wantUpdate.Lines = nil, nil
			}
			require.Equal(t, wantUpdate, u)
		}
		agree(t, value, r.status)
		agree(t, value, r.stock)
		agree(t, value, r.sellable)
	}
}

func agree[T any](t *testing.T, value []byte, read func([]byte) (T, error)) {
	t.Helper()
	got, err := read(value)
	var expected T
	if want := json.Unmarshal(value, &expected); want != nil {
		require.EqualError(t, err, want.Error())
	} else {
		require.NoError(t, err)
		require.Equal(t, expected, got)
	}
}

// jsonForms are records as the stages write them, and such that look nearly so.
func jsonForms(t testing.TB) [][]byte {
	var out [][]byte
	for _, v := range []any{
		&record.OrderUpdate{Holdfast: 1, OrderKey: "web/main/1", Seq: 3, Type: record.UpdateExpired, Status: "cancelled", At: 1762794001234, Cause: "expiry", Refund: true,
			Lines: []record.OrderUpdateLine{{Line: "1", SKU: "ÁO", Combo: "BOX", Qty: 2, State: record.LineReleased}, {Line: "2", SKU: "B", Qty: 1, State: record.LineHeld, Warehouse: "HN"}}},
		&record.OrderUpdate{OrderKey: "web/main/\"1\"", Seq: 1, Type: record.UpdateRefused},
		&record.StatusUpdate{OrderKey: "web/main/1", Seq: 3, At: 1762794001234, Lines: []record.StatusLine{{Line: "1", Qty: 2, Action: "ship", Tracking: "G1"}}},
		&record.StockUpdate{SKU: "A", Warehouse: "HN", OnHand: 9, Unavailable: 1, Held: 2, Allocated: 3, Available: -3, Version: 1762794001234, At: 1762794001234},
		&record.ChannelStock{Channel: "web", Shop: "main", SKU: "A", Sellable: 7, Version: 8, At: 1762794001234, Urgent: true},
	} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		out = append(out, b)
	}
	for _, s := range []string{
		``, `{}`, `{`, `null`, `[]`, ` {"seq":1}`, `{"seq":1} `, `{"seq":1}}`, `{"seq":1,}`, `{"seq":01}`, `{"seq":-0}`, `{"seq":1.0}`, `{"seq":1e3}`, `{"seq":9223372036854775807}`,
		`{"seq":9223372036854775808}`, `{"seq":-9223372036854775808}`, `{"seq":"1"}`, `{"seq":null}`, `{"SEQ":7}`, `{"seq":1,"seq":2}`, `{"seq":1,"Seq":2}`, `{"order_key":"a\u0041"}`,
		"{\"order_key\":\"\xff\"}", "{\"order_key\":\"\x01\"}", `{"at":"2025-11-10T17:00:01.000Z"}`, `{"at":"2025-02-30T17:00:01.000Z"}`, `{"at":"2025-11-10T17:00:01+07:00"}`, `{"at":""}`, `{"at":5}`,
		`{"lines":[{"line":"1","qty":2}],"lines":[{"sku":"A"}]}`, `{"lines":[{"line":"1"},]}`, `{"lines":[1]}`, `{"lines":{}}`, `{"lines":null}`, `{"lines":[]}`, `{"lines":[{"line":"1","x":2}]}`,
		`{"urgent":truex}`, `{"urgent":tru`, `{"urgent":1}`, `{"cause":5}`, `{"holdfast":"1"}`, `{"seq":1"type":"x"}`, `{"at":"2025-11-10T24:00:01.000Z"}`, `{"at":"2025-11-10T17:00:60.000Z"}`,
	} {
		out = append(out, []byte(s))
	}
	return out
}

func TestPublicReaderAgreesWithEncodingJSON(t *testing.T) {
	for _, value := range jsonForms(t) {
		t.Run(string(value), func(t *testing.T) { same(t, value) })
	}
}

// What the stages write is read by hand: the shortcut would be worthless if it
// weren't taken.
func TestPublicReaderKnowsWhatStagesWrite(t *testing.T) {
	u := record.OrderUpdate{Holdfast: 1, OrderKey: "web/main/1", Seq: 3, Type: record.UpdateShipped, At: 1762794001234,
		Lines: []record.OrderUpdateLine{{Line: "1", SKU: "A", Qty: 2, State: record.LineShipped, Warehouse: "HN"}}}
	value, err := json.Marshal(&u)
	require.NoError(t, err)
	var r publicReader
	_, err = r.update(value)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = r.update(value) }))
}

func FuzzPublicReader(f *testing.F) {
	for _, value := range jsonForms(f) {
		f.Add(value)
	}
	f.Fuzz(same)
}
