package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"holdfast/topology/record"
)

// parsePolicy makes a stock.policy of a script's line; a setting that isn't
// named is kept.
func parsePolicy(t *testing.T, f []string, args map[string]string) record.Entry {
	setting := func(name string) record.Setting {
		switch v := args[name]; v {
		case "":
			return record.SettingKeep
		case "null":
			return record.SettingRemove
		default:
			return record.Setting(number(t, v))
		}
	}
	c := record.StockCommand{
		Verb: record.VerbPolicy, SKU: record.SKU(f[1]), EventID: args["id"],
		Policy: record.Policy{Channel: args["channel"], Safety: setting("safety"), Buffer: setting("buffer"), Cap: setting("cap"), Quota: setting("quota")},
	}
	if f[2] != "-" {
		c.Warehouse = record.WarehouseID(f[2])
	}
	if until := args["until"]; until != "" {
		c.Policy.Until = millis(t, until)
	}
	return stockEvent(c)
}

// tellAvailability writes an availability as one line.
func tellAvailability(a *record.Availability) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s fed=%t:", a.SKU, a.Fed)
	for _, r := range a.Rows {
		fmt.Fprintf(&b, " %s#%d %s", r.Warehouse, r.Number, tellCounters(r.Counters))
		if r.Safety != 0 {
			fmt.Fprintf(&b, " safety=%d", r.Safety)
		}
	}
	if a.Buffer != 0 {
		fmt.Fprintf(&b, " buffer=%d", a.Buffer)
	}
	for _, p := range a.Policies {
		fmt.Fprintf(&b, " %s%s%s", p.Channel, tellSetting(" buffer=", p.Buffer), tellSetting(" cap=", p.Cap))
	}
	for _, q := range a.Quotas {
		fmt.Fprintf(&b, " quota %s=%d", q.Channel, q.Left)
	}
	return b.String()
}

func tellSetting(name string, s record.Setting) string {
	if s.IsKept() {
		return ""
	}
	return fmt.Sprintf("%s%d", name, s)
}

// tellPolicies writes the policies of an item in state.
func tellPolicies(ps *Policies) string {
	var b strings.Builder
	if ps.Buffer != 0 {
		fmt.Fprintf(&b, " buffer=%d", ps.Buffer)
	}
	for _, p := range ps.Channels {
		fmt.Fprintf(&b, " %s%s%s", p.Channel, tellSetting(" buffer=", p.Buffer), tellSetting(" cap=", p.Cap))
	}
	for _, q := range ps.Quotas {
		fmt.Fprintf(&b, " quota %s#%d=%d/%d until %dm", q.Channel, q.Number, q.Left, q.Total, q.Until/60_000)
	}
	if len(ps.Quotas) == 0 && ps.LastQuota != 0 {
		fmt.Fprintf(&b, " last quota #%d", ps.LastQuota)
	}
	return b.String()
}

// availability returns what is to be told of the SKU as it stands in state.
func (t *task) availability(sku record.SKU) record.Availability {
	it, a := t.item(sku), record.Availability{}
	it.tell(&a)
	return clone(a)
}

// clone makes what is empty nil, as decoding does.
func clone(a record.Availability) record.Availability {
	if len(a.Rows) == 0 {
		a.Rows = nil
	}
	if len(a.Policies) == 0 {
		a.Policies = nil
	}
	if len(a.Quotas) == 0 {
		a.Quotas = nil
	}
	return a
}

// modelPolicies is what the model knows of who may sell how much.
type modelPolicies struct {
	safety map[record.WarehouseID]int64
	// buffer and caps by channel or shop; the company's buffer is that of "".
	buffer, caps map[string]int64
}

func (p *modelPolicies) set(c *record.StockCommand) {
	if p.safety == nil {
		p.safety, p.buffer, p.caps = map[record.WarehouseID]int64{}, map[string]int64{}, map[string]int64{}
	}
	change(p.safety, c.Warehouse, c.Policy.Safety)
	change(p.buffer, c.Policy.Channel, c.Policy.Buffer)
	change(p.caps, c.Policy.Channel, c.Policy.Cap)
}

func change[K comparable](m map[K]int64, key K, s record.Setting) {
	if s == record.SettingRemove {
		delete(m, key)
	} else if s != record.SettingKeep {
		m[key] = int64(s)
	}
}

func (m *model) policy(k *modelSKU, c *record.StockCommand, d *record.Decision) {
	k.fed, d.Outcome = true, record.OutcomeDone
	if c.Policy.Safety != record.SettingKeep && k.places[c.Warehouse] == nil {
		k.places[c.Warehouse] = &modelPlace{}
	}
	k.policies.set(c)
	if c.Policy.Quota != record.SettingKeep {
		k.quotas.set(&c.Policy, m.now)
	}
	m.told(d)
	m.serve(k, c.SKU, "stock:"+c.EventID)
}

// tell writes the policies as tellPolicies does.
func (p *modelPolicies) tell() string {
	var b strings.Builder
	if n := p.buffer[""]; n != 0 {
		fmt.Fprintf(&b, " buffer=%d", n)
	}
	channels := map[string]bool{}
	for c := range p.buffer {
		channels[c] = true
	}
	for c := range p.caps {
		channels[c] = true
	}
	delete(channels, "")
	for _, c := range slices.Sorted(maps.Keys(channels)) {
		fmt.Fprintf(&b, " %s", c)
		if n, ok := p.buffer[c]; ok {
			fmt.Fprintf(&b, " buffer=%d", n)
		}
		if n, ok := p.caps[c]; ok {
			fmt.Fprintf(&b, " cap=%d", n)
		}
	}
	return b.String()
}

// policy makes a random change of policies.
func (g *generator) policy() *record.StockCommand {
	c := &record.StockCommand{Verb: record.VerbPolicy, SKU: pick(g, randomSKUs), EventID: fmt.Sprintf("s-%d", g.n), Policy: record.Policy{
		Safety: record.SettingKeep, Buffer: record.SettingKeep, Cap: record.SettingKeep, Quota: record.SettingKeep,
	}}
	setting := func() record.Setting { return record.Setting(g.Intn(6)) + record.SettingRemove }
	switch g.Intn(8) {
	case 0:
		c.Warehouse, c.Policy.Safety = pick(g, randomWarehouses), setting()
	case 1:
		c.Policy.Buffer = setting()
	case 2, 3, 4, 5:
		c.Policy.Channel, c.Policy.Until = pick(g, randomChannels[:4]), g.now+record.Millis(g.Int63n(200)-4)*g.maxStep
		c.Policy.Quota = record.Setting(max(-2, g.Intn(14)-4))
		if c.Policy.Quota == record.SettingKeep {
			c.Policy.Quota = 0
		}
	default:
		c.Policy.Channel = pick(g, []string{"shopee", "shopee/main", "web", "lazada/b"})
		c.Policy.Buffer, c.Policy.Cap = setting(), setting()
	}
	return c
}
