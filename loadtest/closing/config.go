package closing

import (
	"errors"
	"fmt"

	"holdfast/state"
)

// Config is the size and shape of a run.
type Config struct {
	Dir          string // for the stores: empty, and the caller removes it
	Seed         uint64
	Partitions   int // of log.inventory and its changelog
	Reservations int
	SKUs         int
	Zipf         float64 // exponent of the demand's law, above 1
	// CloseAfter is how many commands lie between an order's reservation and its
	// end, a thousand or so more or less.
	CloseAfter int
	// Percentages of the orders; the others stay open for good.
	ShipPercent, ReleasePercent int
	// LinesPerPoll commands are there at each poll, one record for each partition,
	// and a poll takes PollMillis of the log's time; a transaction takes
	// TransactionMillis. It should have some polls: the run time takes a task with
	// two records or fewer for an idle one, and lets it sweep more than its share.
	LinesPerPoll      int
	PollMillis        int
	TransactionMillis int

	// Store is a template; Dir, Identity and Shared are filled in.
	Store state.Config
	// BoundShare is the sweep's share that the bound is made with; 0: the stores'
	// own.
	BoundShare float64
}

// Default returns the full run: two million reservations on stores as they are in
// production.
func Default() Config {
	return Config{
		Seed: 1111, Partitions: 2, Reservations: 2_000_000, SKUs: 20_000, Zipf: 1.1, CloseAfter: 50_000,
		ShipPercent: 90, ReleasePercent: 5,
		LinesPerPoll: 500, PollMillis: 5, TransactionMillis: 20,
		Store: state.Config{SweepShare: 0.5, LogBytesMin: 1 << 20},
	}
}

// Validate reports all problems at once.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Dir != "", "no directory for the stores")
	check(c.Partitions >= 1 && c.Partitions <= 64, "%d partitions, must be 1 to 64", c.Partitions)
	check(c.Reservations >= 1 && c.Reservations <= 100_000_000, "%d reservations, must be 1 to 100,000,000", c.Reservations)
	check(c.SKUs >= 2 && c.SKUs <= 10_000_000, "%d SKUs, must be 2 to 10,000,000", c.SKUs)
	check(c.Zipf > 1, "zipf %g, must be above 1", c.Zipf)
	check(c.CloseAfter >= 1, "close after %d commands, must be at least 1", c.CloseAfter)
	check(c.ShipPercent >= 0 && c.ReleasePercent >= 0 && c.ShipPercent+c.ReleasePercent <= 100,
		"%d %% shipped and %d %% released, must be 0 to 100 together", c.ShipPercent, c.ReleasePercent)
	check(c.LinesPerPoll >= 1, "%d lines per poll, must be at least 1", c.LinesPerPoll)
	check(c.PollMillis >= 1 && c.PollMillis <= 1000, "poll millis %d, must be 1 to 1000", c.PollMillis)
	check(c.TransactionMillis >= 1 && c.TransactionMillis <= 5000, "transaction millis %d, must be 1 to 5000", c.TransactionMillis)
	check(c.Store.SweepShare > 0 && c.Store.SweepShare <= 1, "sweep share %g, must be above 0, up to 1", c.Store.SweepShare)
	check(c.Store.LogBytesMin > 0, "log bytes min %d, must be above 0", c.Store.LogBytesMin)
	check(c.BoundShare >= 0 && c.BoundShare <= 1, "share of the bound %g, must be 0 to 1", c.BoundShare)
	return errors.Join(errs...)
}

func (c *Config) boundShare() float64 {
	if c.BoundShare > 0 {
		return c.BoundShare
	}
	return c.Store.SweepShare
}
