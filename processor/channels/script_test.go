package channels_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"holdfast/processor/channels"
	"holdfast/processor/stage/stagetest"
	"holdfast/topology/record"
)

// The scripts: `tx at=…` with entries below it, one a line, is one transaction:
//
//	stock SKU PART…                          availability, the stock feed knows the SKU
//	order SKU                                availability of a SKU that only an order named
//	part COMBO SKU PART…                     availability of a component under its combo's key
//	warehouse ID version JSON|deleted        a row
//	shop CHANNEL/SHOP version JSON|deleted   a row
//	catalog SKU version JSON|deleted         a row
//
// PART is WAREHOUSE=on_hand[-allocated][!safety], buffer=N (of the company),
// policy=CHANNEL:buffer:cap (- keeps the shop's own), or quota=CHANNEL:left.
//
// It prints what was published, and when the stage wants to go on.
func TestScripts(t *testing.T) {
	for _, name := range []string{"window", "tables", "shops", "policies", "combos", "pass"} {
		t.Run(name, func(t *testing.T) {
			chunk := 0
			if name == "pass" {
				chunk = 4
			}
			task := stagetest.NewTask(channels.New(channels.Config{Channels: []string{"web", "shopee"}, WindowMillis: 250, ChunkMax: chunk}))
			datadriven.RunTest(t, "testdata/"+name, func(t *testing.T, d *datadriven.TestData) string {
				var at int64
				d.ScanArgs(t, "at", &at)
				var entries []record.Entry
				for line := range strings.Lines(d.Input) {
					entries = append(entries, entryOf(t, strings.Fields(line)))
				}
				if len(entries) == 0 {
					entries = append(entries, record.Entry{Kind: record.KindTick})
				}
				task.Entries(record.Millis(at), entries...)
				requireSound(t, task)
				return show(t, task)
			})
		})
	}
}

func entryOf(t *testing.T, f []string) record.Entry {
	switch f[0] {
	case "stock", "order", "part":
		key := record.SKU(f[1])
		a := &record.Availability{SKU: key, Fed: f[0] != "order"}
		if f[0] == "part" {
			a.SKU, f = record.SKU(f[2]), f[1:]
		}
		for _, part := range f[2:] {
			what, value, _ := strings.Cut(part, "=")
			addPart(t, a, what, value)
		}
		return availabilityEntry(key, a)
	case "warehouse", "shop", "catalog":
		kind := map[string]record.Kind{"warehouse": record.KindWarehouse, "shop": record.KindShop, "catalog": record.KindCatalog}[f[0]]
		row := record.TableRow{Key: f[1], Version: record.Offset(number(t, f[2])), Deleted: f[3] == "deleted"}
		if !row.Deleted {
			row.JSON = []byte(strings.Join(f[3:], " "))
		}
		return record.Entry{Kind: kind, Key: []byte(f[1]), Body: record.AppendTableRow(nil, &row)}
	}
	t.Fatalf("unknown entry %q", f[0])
	return record.Entry{}
}

func addPart(t *testing.T, a *record.Availability, what, value string) {
	v := strings.Split(value, ":")
	switch what {
	case "buffer":
		a.Buffer = number(t, value)
	case "policy":
		setting := func(s string) record.Setting {
			if s == "-" {
				return record.SettingKeep
			}
			return record.Setting(number(t, s))
		}
		a.Policies = append(a.Policies, record.ChannelPolicy{Channel: v[0], Buffer: setting(v[1]), Cap: setting(v[2])})
	case "quota":
		a.Quotas = append(a.Quotas, record.QuotaLeft{Channel: v[0], Left: number(t, v[1])})
	default:
		row := record.AvailabilityRow{Warehouse: record.WarehouseID(what), Number: 1}
		counters, safety, _ := strings.Cut(value, "!")
		onHand, allocated, _ := strings.Cut(counters, "-")
		row.OnHand = number(t, onHand)
		if allocated != "" {
			row.Allocated = number(t, allocated)
		}
		if safety != "" {
			row.Safety = number(t, safety)
		}
		a.Rows = append(a.Rows, row)
	}
}

func number(t *testing.T, s string) record.Quantity {
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(t, err)
	return record.Quantity(n)
}

func show(t *testing.T, task *stagetest.Task) string {
	var b strings.Builder
	for _, p := range task.Published {
		if p.Topic == "stock.events" {
			u := decodeStrict[record.StockUpdate](t, p.Value)
			fmt.Fprintf(&b, "%s: %s at %s: on hand %d, allocated %d, available %d, version %d\n", p.Topic, u.SKU, u.Warehouse, u.OnHand, u.Allocated, u.Available, u.Version)
			continue
		}
		u := decodeStrict[record.ChannelStock](t, p.Value)
		urgent := ""
		if u.Urgent {
			urgent = ", urgent"
		}
		fmt.Fprintf(&b, "%s: %s/%s may sell %d of %s, version %d%s\n", p.Topic, u.Channel, u.Shop, u.Sellable, u.SKU, u.Version, urgent)
	}
	task.Published = nil
	if due, ok := task.Stage.Due(task); ok {
		fmt.Fprintf(&b, "due at %d\n", int64(due))
	}
	task.Stage.Reset()
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}
