package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"holdfast/topology"
)

// What a scenario may ask for. The bounds are far beyond what one machine sends,
// and keep a slip of the pen from asking for all memory there is.
const (
	listMax     = 200
	nameMax     = 100 // bytes
	channelsMax = 50
	durationMax = 24 * time.Hour
	rateMax     = 1e6
	ordersMax   = 50_000_000
	skusMax     = 2_000_000
	// tailMin: an order that comes late comes up to a second after its time.
	tailMin = time.Second
)

type validator struct{ found []error }

func (v *validator) check(ok bool, format string, args ...any) {
	if !ok {
		v.found = append(v.found, fmt.Errorf(format, args...))
	}
}

func (v *validator) name(where, s string) {
	v.check(len(s) <= nameMax && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }),
		"%s: a name has at most %d bytes of text", where, nameMax)
}

// number: what isn't a number is neither above nor below.
func (v *validator) number(where string, x, least, most float64) {
	v.check(x >= least && x <= most, "%s is %v: from %v to %v", where, x, least, most)
}

func (v *validator) share(where string, x float64) {
	v.check(x >= 0 && x <= 1, "%s is %v: a share is from 0 to 1", where, x)
}

func (v *validator) span(where string, s Span, least, most time.Duration) {
	v.check(time.Duration(s) >= least && time.Duration(s) <= most, "%s is %v: from %v to %v", where, time.Duration(s), least, most)
}

func (v *validator) weights(where string, m map[string]float64) {
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(m)) {
		v.number(where+"."+cut(name), m[name], 0, 1e9)
		sum += m[name]
	}
	v.check(sum > 0, "%s: the weights add up to nothing", where)
}

// Validate returns all that is wrong.
func (s *Scenario) Validate() error {
	v := &validator{}
	v.check(s.Name != "", "the scenario needs a name")
	v.name("name", s.Name)
	v.span("tail", s.Tail, tailMin, durationMax)
	v.span("drain.timeout", s.Drain.Timeout, time.Second, durationMax)
	v.number("scale_to", s.ScaleTo, 0, rateMax)
	rates := s.phases(v)
	s.mix(v)
	s.life(v)
	s.faults(v)
	s.nodes(v)
	for _, name := range slices.Sorted(maps.Keys(s.Thresholds)) {
		_, ok := Gauges()[name]
		v.check(ok, "thresholds: there is no %s; there are %s", cut(name), strings.Join(slices.Sorted(maps.Keys(Gauges())), " "))
		v.number("thresholds."+cut(name), s.Thresholds[name], 0, 1e12)
		v.check(s.Audit || name != OversoldUnits && name != Violations, "thresholds.%s needs audit: true", name)
	}
	if rates {
		n := s.Profile().Orders()
		if peak := s.Peak(); s.ScaleTo > 0 && peak > 0 {
			n = int(float64(n) * s.ScaleTo / peak)
		}
		v.check(n >= 1, "the phases and spikes have no order")
		v.check(n <= ordersMax, "the phases and spikes have %d orders: at most %d", n, ordersMax)
	}
	if len(v.found) == 0 {
		c := s.Sale("")
		c.Start = 1
		if err := c.Validate(); err != nil {
			v.found = append(v.found, err)
		}
	}
	return errors.Join(v.found...)
}

// phases tells whether the rates can be looked at as a whole.
func (s *Scenario) phases(v *validator) (ok bool) {
	before := len(v.found)
	v.check(len(s.Phases) >= 1 && len(s.Phases) <= listMax, "%d phases: from 1 to %d", len(s.Phases), listMax)
	seen := map[string]bool{}
	for i := range s.Phases {
		p := &s.Phases[i]
		where := fmt.Sprintf("phases[%d]", i)
		v.check(p.Name != "", "%s needs a name", where)
		v.name(where+".name", p.Name)
		v.check(p.Name == "" || !seen[p.Name], "%s: %s is there already", where, cut(p.Name))
		seen[p.Name] = true
		v.span(where+".for", p.For, time.Millisecond, durationMax)
		switch {
		case p.Rate != nil:
			v.check(p.From == nil && p.To == nil, "%s has a rate, so it can't go from one to another", where)
		case p.From == nil || p.To == nil:
			v.check(false, "%s needs a rate, or from and to", where)
		}
		from, to := p.Rates()
		v.number(where+": its rate", from, 0, rateMax)
		if p.Rate == nil {
			v.number(where+": its rate", to, 0, rateMax)
		}
	}
	v.check(s.Duration() <= durationMax, "the phases take %v: at most %v", s.Duration(), durationMax)
	v.check(len(s.Spikes) <= listMax, "%d spikes: at most %d", len(s.Spikes), listMax)
	for i, k := range s.Spikes {
		where := fmt.Sprintf("spikes[%d]", i)
		v.span(where+".at", k.At, 0, max(0, s.Duration()))
		switch {
		case k.Orders != 0:
			v.check(k.Orders > 0 && k.Orders <= ordersMax, "%s.orders is %d: from 1 to %d", where, k.Orders, ordersMax)
			v.check(k.Rate == 0 && k.For == 0, "%s has orders at one instant, so it has no rate and no time", where)
		default:
			v.number(where+".rate", k.Rate, 0, rateMax)
			v.span(where+".for", k.For, time.Millisecond, durationMax)
		}
	}
	return len(v.found) == before
}

func (s *Scenario) mix(v *validator) {
	v.weights("channels", s.Channels)
	for _, name := range slices.Sorted(maps.Keys(s.Channels)) {
		v.check(topology.IsChannelName(name), "channels: %q can't be a channel's name", cut(name))
	}
	v.check(len(s.Channels) <= channelsMax, "%d channels: at most %d", len(s.Channels), channelsMax)
	if len(s.Regions) > 0 {
		v.weights("regions", s.Regions)
	}
	v.share("own_format", s.OwnFormat)
	v.weights("baskets", map[string]float64{"one": s.Baskets.One, "two": s.Baskets.Two, "more": s.Baskets.More})
	v.weights("payments", map[string]float64{"prepaid": s.Payments.Prepaid, "cod": s.Payments.COD, "unpaid": s.Payments.Unpaid})
	v.number("skus.count", float64(s.SKUs.Count), 10, skusMax)
	v.number("skus.zipf", s.SKUs.Zipf, 0, 5)
	v.share("skus.combos", s.SKUs.Combos)
	v.check(len(s.SKUs.Hot) <= listMax, "%d hot SKUs: at most %d", len(s.SKUs.Hot), listMax)
	sum := 0.0
	for i, hot := range s.SKUs.Hot {
		where := fmt.Sprintf("skus.hot[%d]", i)
		v.check(hot.SKU != "", "%s needs the name of its sku", where)
		v.name(where+".sku", hot.SKU)
		v.number(where+".units", float64(hot.Units), 1, 1e9)
		v.share(where+".share", hot.Share)
		sum += hot.Share
	}
	v.share("skus.hot: all shares together", sum)
	v.number("stock.cover", s.Stock.Cover, 0, 1e6)
	v.number("stock.units", float64(s.Stock.Units), 0, 1e9)
	v.number("warehouses.count", float64(s.Warehouses.Count), 1, 1000)
	v.number("warehouses.capacity_per_hour", float64(s.Warehouses.CapacityPerHour), 0, 1e9)
}

func (s *Scenario) life(v *validator) {
	v.span("payments.hold", s.Payments.Hold, time.Second, 168*time.Hour)
	v.share("payments.late", s.Payments.Late)
	v.share("payments.never", s.Payments.Never)
	v.share("payments.late and never together", s.Payments.Late+s.Payments.Never)
	o := &s.Orders
	v.share("orders.partial", o.Partial)
	v.share("orders.backorder", o.Backorder)
	v.share("orders.partial and backorder together", o.Partial+o.Backorder)
	v.share("orders.cancelled", o.Cancelled)
	v.share("orders.cancelled_in_part", o.CancelledInPart)
	v.share("orders.shipped", o.Shipped)
	v.share("orders.delivered", o.Delivered)
	v.share("orders.returned", o.Returned)
	v.share("noise.duplicates", s.Noise.Duplicates)
	v.share("noise.out_of_order", s.Noise.OutOfOrder)
	v.share("noise.broken", s.Noise.Broken)
}

func (s *Scenario) faults(v *validator) {
	v.check(len(s.Faults) <= listMax, "%d faults: at most %d", len(s.Faults), listMax)
	_, judged := s.Thresholds[OutageMax]
	outages := len(s.Outages()) > 0
	v.check(judged || !outages, "a fault has an outage, so thresholds.%s must say how long orders may wait in it: the other latencies leave them out", OutageMax)
	v.check(outages || !judged, "thresholds.%s needs a fault with an outage", OutageMax)
	end := s.Duration() + time.Duration(s.Tail)
	for i := range s.Faults {
		v.fault(fmt.Sprintf("faults[%d]", i), &s.Faults[i], end)
	}
	s.rota(v)
}

func (v *validator) fault(where string, f *Fault, end time.Duration) {
	v.name(where+".name", f.Name)
	v.span(where+".at", f.At, 0, max(0, end))
	v.span(where+".timeout", f.Timeout, 0, durationMax)
	v.span(where+".outage", f.Outage, 0, durationMax)
	what := 0
	for _, given := range []bool{len(f.Run) > 0, f.Signal != "", f.Pause != 0} {
		if given {
			what++
		}
	}
	if v.check(what == 1, "%s: one of run, signal and pause", where); what != 1 {
		return
	}
	v.check(len(f.Run) <= listMax, "%s.run: at most %d words", where, listMax)
	if len(f.Run) > 0 {
		v.check(f.Run[0] != "", "%s.run: the program has no name", where)
		v.check(f.PID == 0 && f.PIDFile == "", "%s runs a program, so it needs no pid", where)
		return
	}
	v.check(f.Timeout == 0, "%s: a timeout is for what is run", where)
	if (f.PID != 0) == (f.PIDFile != "") {
		v.check(false, "%s: one of pid and pid_file", where)
	} else {
		// 1 is init, 0 and less are groups of processes: nobody means them.
		v.check(f.PIDFile != "" || f.PID > 1, "%s.pid is %d: above 1", where, f.PID)
	}
	if f.Signal != "" {
		v.check(slices.Contains(Signals(), f.Signal), "%s.signal: there is no %s; there are %s", where, cut(f.Signal), strings.Join(Signals(), " "))
	} else if f.Pause != 0 {
		v.span(where+".pause", f.Pause, time.Millisecond, durationMax)
	}
}

// Signals returns the names of the signals that a fault can send.
func Signals() []string {
	return []string{"KILL", "TERM", "INT", "STOP", "CONT", "HUP", "USR1", "USR2"}
}
