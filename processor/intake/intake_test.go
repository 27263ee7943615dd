package intake_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"holdfast/processor/intake"
	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// fake is a channel's own format for tests: lines "order|sku|qty|shop id".
func fake(value []byte, header func(string) string) ([]record.ChannelBody, *record.Refusal) {
	var out []record.ChannelBody
	for line := range strings.Lines(string(value)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 4 {
			return nil, &record.Refusal{Reason: record.RefuseUnknownFormat, Message: "not a line of the fake format"}
		}
		qty, _ := strconv.ParseInt(f[2], 10, 64)
		out = append(out, record.ChannelBody{OrderID: f[0], ShopID: f[3], Event: record.OrderEvent{
			EventID: "fake-" + f[0] + header("x-event"), Type: record.OrderSnapshot, State: record.StateUnpaid,
			Order: &record.OrderBody{
				Payment: record.PaymentUnpaid, Allow: record.AllowAll,
				Lines: []record.OrderLine{{Line: "1", SKU: record.SKU(f[1]), Qty: record.Quantity(qty)}},
			},
		}})
	}
	return out, nil
}

func newStage(shops *intake.Shops, report func(string)) *intake.Stage {
	c := intake.Config{Channels: []string{"shopee", "pos", "web", "callcentre"}}
	c.Adapters = map[string]record.Adapter{"shopee": fake}
	c.Shops = func() *intake.Shops { return shops }
	c.Report = report
	return intake.New(c)
}

// The scripts: `record <topic> [key=…] [header=(name,value)] [at=…] [tombstone]
// [fill=n]` with the value below it ($LONG stands for fill times "x") gives what
// was sent and what went to the dead letters; `shops` sets the table that the
// lookup of shops sees.
func TestIntake(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var out strings.Builder
		report := func(m string) { fmt.Fprintf(&out, "report: %s\n", m) }
		task := stagetest.NewTask(newStage(nil, report))
		offset := record.Offset(100)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out.Reset()
			switch d.Cmd {
			case "shops":
				var rows []record.Shop
				require.NoError(t, json.Unmarshal([]byte("["+d.Input+"]"), &rows))
				task = stagetest.NewTask(newStage(intake.NewShops(rows), report))
				return ""
			case "record":
				r := recordOf(t, d, offset)
				offset++
				task.Counted = nil
				task.Records(r)
				counted(t, task, r.Short)
				show(t, &out, task)
				return out.String()
			}
			d.Fatalf(t, "unknown command")
			return ""
		})
	})
}

func recordOf(t *testing.T, d *datadriven.TestData, offset record.Offset) *stage.Record {
	short := d.CmdArgs[0].Key
	r := &stage.Record{Topic: "holdfast." + short, Short: short, Partition: 1, Offset: offset, At: 1_000_000, Value: []byte(d.Input)}
	for _, arg := range d.CmdArgs[1:] {
		switch arg.Key {
		case "key":
			r.Key = []byte(arg.Vals[0])
		case "header":
			r.Headers = append(r.Headers, stage.Header{Key: arg.Vals[0], Value: []byte(arg.Vals[1])})
		case "headers":
			n, err := strconv.Atoi(arg.Vals[0])
			require.NoError(t, err)
			r.Headers = make([]stage.Header, n)
		case "tombstone":
			r.Value = nil
		case "fill":
			n, err := strconv.Atoi(arg.Vals[0])
			require.NoError(t, err)
			r.Value = []byte(strings.ReplaceAll(d.Input, "$LONG", strings.Repeat("x", n)))
		case "lines":
			n, err := strconv.Atoi(arg.Vals[0])
			require.NoError(t, err)
			r.Value = []byte(strings.ReplaceAll(d.Input, "$LINES", strings.TrimSuffix(strings.Repeat(`{"sku":"A","qty":1},`, n), ",")))
		case "bytes":
			v, err := strconv.Unquote(`"` + d.Input + `"`)
			require.NoError(t, err)
			r.Value = []byte(v)
		default:
			d.Fatalf(t, "unknown argument %s", arg.Key)
		}
	}
	return r
}

// counted checks that a record is counted once, as what it is.
func counted(t *testing.T, task *stagetest.Task, short string) {
	name, ok := map[string]string{
		"stock.feed": "record stock", "fulfilment.feed": "record fulfilment", "warehouses": "record row", "channels": "record row", "catalog": "record row",
	}[short]
	if !ok {
		name = "record order_event"
	}
	if len(task.Dead) > 0 {
		name = "record refused"
	}
	require.Equal(t, map[int]int{slices.Index(intake.Outcomes(), name): 1}, task.Counted)
}

func show(t *testing.T, out *strings.Builder, task *stagetest.Task) {
	logs := map[stage.Log]string{stage.LogOrders: "log.orders", stage.LogInventory: "log.inventory", stage.LogAvailability: "log.availability"}
	for _, s := range task.Take() {
		all := ""
		if s.All {
			all = " (all partitions)"
		}
		fmt.Fprintf(out, "%s%s: %s %q from %v\n", logs[s.Log], all, s.Entry.Kind, s.Entry.Key, s.Entry.Origin)
		body := describe(t, s.Entry)
		if len(body) > 500 {
			body = fmt.Sprintf("%s … (%d bytes)", body[:200], len(body))
		}
		fmt.Fprintf(out, "  %s\n", body)
	}
	for _, d := range task.Dead {
		fmt.Fprintf(out, "dead letter %s: %s\n", d.Reason, d.Message)
		require.Equal(t, "holdfast.", d.Origin.Topic[:9])
	}
	task.Dead = nil
	if out.Len() == 0 {
		out.WriteString("nothing\n")
	}
}

func describe(t *testing.T, e record.Entry) string {
	switch e.Kind {
	case record.KindOrderEvent:
		ev, err := record.DecodeOrderEvent(e.Body)
		require.NoError(t, err)
		require.Equal(t, string(ev.OrderKey), string(e.Key))
		require.NotZero(t, ev.ContentHash)
		return orderText(ev)
	case record.KindStock:
		var c record.StockCommand
		require.NoError(t, c.Decode(e.Body))
		require.Equal(t, string(c.SKU), string(e.Key))
		text := fmt.Sprintf("%v event=%s sku=%s warehouse=%s qty=%d occurred=%v reason=%q", c.Verb, c.EventID, c.SKU, c.Warehouse, c.Qty, c.OccurredAt, c.Reason)
		if p := c.Policy; c.Verb == record.VerbPolicy {
			text += fmt.Sprintf(" channel=%q safety=%d buffer=%d cap=%d quota=%d until=%v", p.Channel, p.Safety, p.Buffer, p.Cap, p.Quota, p.Until)
		}
		return text
	case record.KindWarehouse, record.KindShop, record.KindCatalog:
		row, err := record.DecodeTableRow(e.Body)
		require.NoError(t, err)
		return fmt.Sprintf("version=%d deleted=%v %s", row.Version, row.Deleted, row.JSON)
	}
	t.Fatalf("intake sent %v", e.Kind)
	return ""
}

func orderText(e *record.OrderEvent) string {
	s := fmt.Sprintf("%v event=%s fact=%v occurred=%v", e.Type, e.EventID, e.Fact, e.OccurredAt)
	if e.State != 0 {
		s += fmt.Sprintf(" state=%d", e.State)
	}
	if e.By+e.Text != "" {
		s += fmt.Sprintf(" by=%q text=%q", e.By, e.Text)
	}
	if e.Warehouse != "" || e.Carrier+e.Tracking != "" {
		s += fmt.Sprintf(" warehouse=%q carrier=%q tracking=%q", e.Warehouse, e.Carrier, e.Tracking)
	}
	for _, l := range e.Lines {
		s += fmt.Sprintf(" %q×%d", l.Line, l.Qty)
		if e.Type == record.OrderReturned {
			s += " " + l.Restock.String()
		}
	}
	if e.Order != nil {
		s += fmt.Sprintf("\n  %+v", *e.Order)
	}
	return s
}

func TestSameContentSameHash(t *testing.T) {
	const event = `{"holdfast":1,"event_id":"%s","type":"order.created","order_id":"1","order":{"payment":"prepaid","lines":[{"sku":"A","qty":%d}]}}`
	task := stagetest.NewTask(newStage(nil, nil))
	hash := func(at record.Millis, id string, qty int) uint64 {
		task.Records(&stage.Record{Topic: "holdfast.channel.web.orders", Short: "channel.web.orders", At: at, Value: fmt.Appendf(nil, event, id, qty)})
		e, err := record.DecodeOrderEvent(task.Take()[0].Entry.Body)
		require.NoError(t, err)
		require.Equal(t, at, e.OccurredAt)
		return e.ContentHash
	}
	one := hash(1, "e-1", 1)
	require.Equal(t, one, hash(2, "e-1", 1), "sent again later")
	require.Equal(t, one, hash(3, "e-2", 1), "under another id")
	require.NotEqual(t, one, hash(4, "e-1", 2))
}

func TestConfigReportsAllProblemsAtOnce(t *testing.T) {
	c := intake.Config{Channels: []string{"web", "web", "B"}, Adapters: map[string]record.Adapter{"lazada": nil}, HoldSecondsMarketplace: -1}
	err := c.Validate()
	require.Len(t, strings.Split(err.Error(), "\n"), 5, err)
	require.ErrorContains(t, (&intake.Config{}).Validate(), "no channels")
	require.Panics(t, func() { intake.New(intake.Config{}) })
	require.NotNil(t, errors.Unwrap(fmt.Errorf("%w", err)))
}

// Whatever comes in on whatever topic: no panic, and it is either sent on or one
// dead letter, never both and never lost.
func FuzzIntake(f *testing.F) {
	topics := []string{"channel.shopee.orders", "channel.web.orders", "stock.feed", "fulfilment.feed", "warehouses", "catalog", "channels"}
	for _, seed := range []string{
		`{"holdfast":1,"event_id":"e-1","type":"order.created","order_id":"1","order":{"payment":"unpaid","hold_seconds":5,"lines":[{"line":"1","sku":"A","qty":2}]}}`,
		`{"holdfast":1,"event_id":"e-2","type":"order.cancelled","channel":"web","shop":"main","order_id":"1","by":"buyer","lines":[{"line":"1","qty":1}]}`,
		`{"holdfast":1,"event_id":"s-1","type":"stock.count","sku":"A","warehouse":"H","qty":5,"occurred_at":"2026-11-11T00:00:00Z"}`,
		`{"holdfast":1,"event_id":"f-1","type":"fulfilment.shipped","order_key":"web/main/1","lines":[{"line":"1","qty":2}]}`,
		`{"id":"H","lat":10.5,"lng":106.7,"serves":["web"],"cutoff":"17:00"}`, `{"channel":"shopee","shop":"main","ids":["1"],"cap":5}`,
		`{"event_id":"p-1","type":"stock.policy","sku":"A","channel":"web","quota":5,"until":"2026-11-11T00:00:00Z","cap":null}`,
		`{"sku":"A"}`, `{"sku":"A","components":[{"sku":"B","qty":1},{"sku":"C","qty":2}]}`, "o|A|2|shop\no2|B|1|", `null`, `[]`, `{"qty":1e99}`, ``,
	} {
		for i := range topics {
			f.Add(uint8(i), []byte("web/main"), []byte(seed), "content-type", "application/vnd.holdfast.order+json")
		}
	}
	f.Fuzz(func(t *testing.T, topic uint8, key, value []byte, headerName, headerValue string) {
		short := topics[int(topic)%len(topics)]
		task := stagetest.NewTask(newStage(nil, nil))
		task.Records(&stage.Record{
			Topic: "holdfast." + short, Short: short, At: 5, Offset: 1, Key: key, Value: value,
			Headers: []stage.Header{{Key: headerName, Value: []byte(headerValue)}},
		})
		sent := task.Take()
		for _, s := range sent {
			describe(t, s.Entry)
		}
		switch {
		case len(task.Dead) > 1 || len(task.Dead) == 1 && len(sent) > 0:
			t.Fatalf("%d dead letters and %d entries", len(task.Dead), len(sent))
		case len(task.Dead) == 0 && len(sent) == 0:
			t.Fatal("lost")
		case len(task.Dead) == 1:
			d := task.Dead[0]
			require.Equal(t, string(value), string(d.Value))
			require.NotEmpty(t, d.Reason)
			require.NotEmpty(t, d.Message)
			require.LessOrEqual(t, len(d.Message), 1000)
		}
	})
}

func BenchmarkOrderCreated(b *testing.B) {
	task := stagetest.NewTask(newStage(nil, nil))
	value := []byte(`{"holdfast":1,"event_id":"e-1","type":"order.created","channel":"web","shop":"main","order_id":"W-1001","occurred_at":"2026-11-11T00:00:01+07:00","order":{"payment":"prepaid","currency":"VND","total_minor":96000,"customer":{"id":"C-9"},"ship_to":{"lat":10.776,"lng":106.700,"region":"VN-SG"},"lines":[{"line":"1","sku":"TEE-RED-M","qty":2,"unit_price_minor":48000}]}}`)
	b.ReportAllocs()
	for b.Loop() {
		task.Records(&stage.Record{Topic: "holdfast.channel.web.orders", Short: "channel.web.orders", Offset: 1, At: 1, Value: value})
		task.Take()
	}
}
