package intake

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// FuzzParse: what is read is what encoding/json reads, and refused is what it refuses.
func FuzzParse(f *testing.F) {
	for _, value := range []string{
		`{"holdfast":1,"event_id":"e-1","type":"order.created","channel":"web","order_id":"W-1","occurred_at":"2026-11-11T00:00:01+07:00","order":{"payment":"prepaid","customer":{"id":"C-9"},"ship_to":{"lat":10.776,"lng":106.700,"region":"VN-SG"},"lines":[{"line":"1","sku":"TEE","qty":2,"unit_price_minor":48000}]}}`,
		`{"HOLDFAST":1,"Event_ID":"folded case","order":{"LINES":[{"qty":1},{"Qty":2}]}}`,
		`{"event_id":"twice","event_id":"named","order":{"currency":"VND"},"order":{"payment":"cod"}}`,
		`{"event_id":null,"order":null,"occurred_at":null}`,
		`{"event_id":"\ud800 lone","type":"\u0000\/"}`,
		`{"order":{"lines":[null,{"qty":1.0},{"qty":1e2}]}}`,
		`{"order":{"lines":[{"qty":"2"}]}}`, `{"order":[]}`, `[]`, `null`, `""`, `{}`, ` {} `, `{} {}`, `{`, `{"a":}`, "{\"a\":\"\t\"}",
		`{"occurred_at":"yesterday"}`, `{"occurred_at":20261111}`, `{"order":{"lines":[{"qty":99999999999999999999}]}}`,
	} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		same := func(have, want any) {
			refusal := parse(value, have)
			err := json.Unmarshal(value, want)
			if refusal == nil {
				require.NoError(t, err)
				require.Equal(t, want, have)
			} else if refusal.Message != "the value isn't UTF-8" {
				require.Error(t, err, "refused: %s", refusal.Message)
			}
		}
		same(&record.OrderInput{}, &record.OrderInput{})
		same(&record.StockInput{}, &record.StockInput{})
	})
}
