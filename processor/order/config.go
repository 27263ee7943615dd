package order

import (
	"cmp"
	"errors"
	"fmt"
)

const dayMillis = 24 * 60 * 60 * 1000

// Config is what can be set about orders. Times are in milliseconds of log
// time. A field that is zero has its default, but for AcceptAgeMillis, where
// zero is off.
type Config struct {
	// KeepClosedMillis is how long an order is kept after its last event when
	// nothing of it is held, allocated or waited for. 7 days.
	KeepClosedMillis int64
	// AcceptAgeMillis is how old a create may be by its own time; 0 takes all.
	// Above KeepClosedMillis a repetition could bring a dropped order back to
	// life. 7 days.
	AcceptAgeMillis int64
	// MarketplaceHoldMillis is how long unpaid units stay held for a marketplace,
	// which says itself when an order is paid or cancelled. 72 hours.
	MarketplaceHoldMillis int64
	// DecideWithinMillis is how long inventory has to decide all SKUs of an
	// order; more while this stage is behind its log (see deadline.go). 30 s.
	DecideWithinMillis int64
	// InboxMillis is how long events of unknown orders are kept. 24 hours.
	InboxMillis int64
	// InboxEventsMax bounds the events kept for one order key. 16.
	InboxEventsMax int
	// DueChunk bounds the timers worked off in one transaction. One is some
	// microseconds and some hundred bytes of state: 2000 keep a transaction far
	// below a tenth of a second.
	DueChunk int
	// Partitions is how many partitions log.orders has: each has its part of a
	// warehouse's capacity. 1.
	Partitions int
}

// DefaultConfig returns what is used unless somebody says otherwise: all
// defaults, and AcceptAgeMillis.
func DefaultConfig() Config {
	return Config{
		KeepClosedMillis:      7 * dayMillis,
		AcceptAgeMillis:       7 * dayMillis,
		MarketplaceHoldMillis: 3 * dayMillis,
		DecideWithinMillis:    30_000,
		InboxMillis:           dayMillis,
		InboxEventsMax:        16,
		DueChunk:              2000,
		Partitions:            1,
	}
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	d.AcceptAgeMillis = c.AcceptAgeMillis
	d.KeepClosedMillis = cmp.Or(c.KeepClosedMillis, d.KeepClosedMillis)
	d.MarketplaceHoldMillis = cmp.Or(c.MarketplaceHoldMillis, d.MarketplaceHoldMillis)
	d.DecideWithinMillis = cmp.Or(c.DecideWithinMillis, d.DecideWithinMillis)
	d.InboxMillis = cmp.Or(c.InboxMillis, d.InboxMillis)
	d.InboxEventsMax = cmp.Or(c.InboxEventsMax, d.InboxEventsMax)
	d.DueChunk = cmp.Or(c.DueChunk, d.DueChunk)
	d.Partitions = cmp.Or(c.Partitions, d.Partitions)
	return d
}

// Validate reports everything that is wrong.
func (c Config) Validate() error {
	var errs []error
	for _, f := range []struct {
		name string
		v    int64
	}{
		{"KeepClosedMillis", c.KeepClosedMillis},
		{"AcceptAgeMillis", c.AcceptAgeMillis},
		{"MarketplaceHoldMillis", c.MarketplaceHoldMillis},
		{"DecideWithinMillis", c.DecideWithinMillis},
		{"InboxMillis", c.InboxMillis},
		{"InboxEventsMax", int64(c.InboxEventsMax)},
		{"DueChunk", int64(c.DueChunk)},
		{"Partitions", int64(c.Partitions)},
	} {
		if f.v < 0 {
			errs = append(errs, fmt.Errorf("orders: %s is %d, must not be negative", f.name, f.v))
		}
	}
	return errors.Join(errs...)
}
