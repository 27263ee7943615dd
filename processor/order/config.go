package order

import (
	"errors"
	"fmt"
)

const dayMillis = 24 * 60 * 60 * 1000

// Config is what can be set about orders. Times are in milliseconds of log
// time.
type Config struct {
	// KeepClosedMillis is how long an order is kept after its last event when
	// nothing of it is held, allocated or waited for.
	KeepClosedMillis int64
	// AcceptAgeMillis is how old a create may be by its own time; 0 takes all.
	// Beyond KeepClosedMillis a repetition could bring a dropped order back to
	// life.
	AcceptAgeMillis int64
	// MarketplaceHoldMillis is how long unpaid units stay held for a marketplace,
	// which says itself when an order is paid or cancelled.
	MarketplaceHoldMillis int64
	// DecideWithinMillis is how long inventory has to decide all SKUs of an
	// order.
	DecideWithinMillis int64
	// InboxMillis is how long events of unknown orders are kept.
	InboxMillis int64
	// InboxEventsMax bounds the events kept for one order key.
	InboxEventsMax int
	// DueChunk bounds the timers worked off in one transaction. One is some
	// microseconds and some hundred bytes of state: the default keeps a
	// transaction far below a tenth of a second.
	DueChunk int
}

// DefaultConfig returns what is used unless somebody says otherwise.
func DefaultConfig() Config {
	return Config{
		KeepClosedMillis:      7 * dayMillis,
		AcceptAgeMillis:       7 * dayMillis,
		MarketplaceHoldMillis: 3 * dayMillis,
		DecideWithinMillis:    30_000,
		InboxMillis:           dayMillis,
		InboxEventsMax:        16,
		DueChunk:              2000,
	}
}

// Validate reports all problems at once.
func (c *Config) Validate() error {
	var errs []error
	atLeast := func(name string, v, least int64) {
		if v < least {
			errs = append(errs, fmt.Errorf("orders: %s is %d, at least %d is needed", name, v, least))
		}
	}
	atLeast("KeepClosedMillis", c.KeepClosedMillis, 1)
	atLeast("AcceptAgeMillis", c.AcceptAgeMillis, 0)
	atLeast("MarketplaceHoldMillis", c.MarketplaceHoldMillis, 1)
	atLeast("DecideWithinMillis", c.DecideWithinMillis, 1)
	atLeast("InboxMillis", c.InboxMillis, 1)
	atLeast("InboxEventsMax", int64(c.InboxEventsMax), 1)
	atLeast("DueChunk", int64(c.DueChunk), 1)
	return errors.Join(errs...)
}
