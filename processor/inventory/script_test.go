package inventory

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"holdfast/topology/record"
)

// TestScripts runs testdata/*.txt. One command a line:
//
//	reserve ORDER SKU qty=2 ranked=HCM:0,HN:1 [wait|backorder] [whole] [allocate] [attempt=1] [cause=c]
//	               wait is a fact's, backorder a request's; fact doesn't wait
//	confirm ORDER SKU [attempt=1] [cause=c]
//	release ORDER SKU [attempt=1] [cause=c]
//	ship    ORDER SKU parts=HCM:2,HN:1 [attempt=1] [cause=c]
//	reduce  ORDER SKU [qty=1] [parts=HCM:2,HN:1] [attempt=1] [cause=c]
//	ship_unclaimed|return ORDER SKU parts=HCM:2 [unavailable] [cause=c]
//	               these and ship: [at=1h], when it happened
//	count|receive|adjust|damage SKU WAREHOUSE qty=5 id=s-1 [hash=1] [at=1h]
//	policy SKU WAREHOUSE|- id=s-1 [safety=5|null] [buffer=…] [channel=shopee cap=… quota=… until=2h]
//	catalog COMBO VERSION [COMPONENT …] | deleted
//	at 26h         the log's time from here on
//	tick
//
// Directives: run (each line is a transaction), one (all lines are one), state,
// due. Counters read on hand/unavailable/held/allocated=available. Every step
// checks that counters are the sums of the holds.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if !strings.HasSuffix(path, ".txt") {
			return
		}
		tk := newTask(Config{})
		tk.Clock = 1
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "run", "one":
				return runScript(t, tk, d)
			case "state":
				return tk.tellState()
			case "due":
				at, ok := tk.stage.Due(tk)
				tk.stage.Reset()
				return fmt.Sprintf("%t %dh\n", ok, at/hourMillis)
			}
			d.Fatalf(t, "unknown directive %s", d.Cmd)
			return ""
		})
	})
}

func runScript(t *testing.T, tk *task, d *datadriven.TestData) string {
	var b strings.Builder
	var pending []record.Entry
	end := func() {
		tk.run(pending...)
		pending = nil
		tellOutput(&b, tk)
		if err := tk.soundness(); err != nil {
			d.Fatalf(t, "%v", err)
		}
	}
	for _, text := range strings.Split(strings.TrimSpace(d.Input), "\n") {
		if at, ok := strings.CutPrefix(text, "at "); ok {
			tk.Clock = millis(t, at)
			continue
		}
		pending = append(pending, parseEntry(t, text))
		if d.Cmd == "run" {
			end()
		}
	}
	if len(pending) > 0 {
		end()
	}
	return b.String()
}

func tellOutput(b *strings.Builder, tk *task) {
	for _, s := range tk.Take() {
		switch s.Entry.Kind {
		case record.KindDecision:
			var d record.Decision
			if err := d.Decode(s.Entry.Body); err != nil {
				panic(err)
			}
			fmt.Fprintf(b, "%s <- %s\n", [...]string{"orders", "", "ledger"}[s.Log], tell(&d))
		case record.KindAvailability:
			var a record.Availability
			if err := a.Decode(s.Entry.Body); err != nil {
				panic(err)
			}
			if key := string(s.Entry.Key); key != string(a.SKU) {
				fmt.Fprintf(b, "to %s: ", key)
			}
			fmt.Fprintf(b, "%s\n", tellAvailability(&a))
		}
	}
	for _, l := range tk.Dead {
		fmt.Fprintf(b, "dead letter %s %s (%s) %s\n", l.Reason, l.Key, l.Message, l.Value)
	}
	tk.Dead = nil
}

func parseEntry(t *testing.T, text string) record.Entry {
	f := strings.Fields(text)
	if f[0] == "tick" {
		return record.Entry{Kind: record.KindTick}
	}
	if f[0] == "catalog" {
		return parseCatalog(t, f)
	}
	var verb record.Verb
	for v := record.VerbReserve; v.String() != "unknown"; v++ {
		if v.String() == f[0] {
			verb = v
		}
	}
	args := map[string]string{"attempt": "1", "hash": "0", "at": "0s", "qty": "0"}
	for _, a := range f[3:] {
		k, v, _ := strings.Cut(a, "=")
		args[k] = v
	}
	switch verb {
	case record.VerbPolicy:
		return parsePolicy(t, f, args)
	case record.VerbCount, record.VerbReceive, record.VerbAdjust, record.VerbDamage:
		return stockEvent(record.StockCommand{
			Verb: verb, SKU: record.SKU(f[1]), Warehouse: record.WarehouseID(f[2]), EventID: args["id"],
			Qty: record.Quantity(number(t, args["qty"])), ContentHash: uint64(number(t, args["hash"])), OccurredAt: millis(t, args["at"]),
		})
	}
	c := record.Command{
		Verb: verb, OrderKey: record.OrderKey(f[1]), SKU: record.SKU(f[2]), Attempt: uint32(number(t, args["attempt"])),
		Cause: args["cause"], Qty: record.Quantity(number(t, args["qty"])), OccurredAt: millis(t, args["at"]),
	}
	_, c.Fact = args["wait"]
	_, c.Wait = args["backorder"]
	c.Wait = c.Wait || c.Fact
	if _, ok := args["fact"]; ok {
		c.Fact = true
	}
	_, c.Whole = args["whole"]
	_, c.Allocate = args["allocate"]
	_, c.Unavailable = args["unavailable"]
	for _, p := range pairs(args["ranked"]) {
		c.Ranked = append(c.Ranked, record.Ranked{Warehouse: record.WarehouseID(p[0]), Rank: uint16(number(t, p[1]))})
	}
	for _, p := range pairs(args["parts"]) {
		c.Parts = append(c.Parts, record.WarehouseQty{Warehouse: record.WarehouseID(p[0]), Qty: record.Quantity(number(t, p[1]))})
	}
	return command(c)
}

func pairs(s string) (out [][2]string) {
	if s == "" {
		return nil
	}
	for _, p := range strings.Split(s, ",") {
		a, b, _ := strings.Cut(p, ":")
		out = append(out, [2]string{a, b})
	}
	return out
}

func number(t *testing.T, s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func millis(t *testing.T, s string) record.Millis {
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return record.Millis(d.Milliseconds())
}
