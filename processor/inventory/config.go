package inventory

import (
	"errors"
	"fmt"

	"holdfast/topology/record"
)

// Config of the stage. A field that is zero has its default.
type Config struct {
	// RememberMillis is how long the id of a stock event is remembered at least;
	// it is rounded up to the next full hour of the log's time. 24 h.
	RememberMillis record.Millis
	// ForgetMax is how many event ids one transaction forgets at most: enough to
	// keep up with a feed of thousands a second, too few to be felt. 1000.
	ForgetMax int
	// EndMax is how many quotas one transaction ends at most: a campaign of 100,000
	// SKUs is over in a dozen transactions of each partition. 1000.
	EndMax int
	// ServeMax is how many of those that wait one transaction looks at, beside one
	// for each of its entries, when units come free; the next transactions go on.
	// 4000: less work than a full transaction of commands is, so that nobody
	// behind notices, and enough for 200,000 within some 50 transactions.
	ServeMax int
}

// Validate reports everything that is wrong.
func (c Config) Validate() error {
	var errs []error
	if c.RememberMillis < 0 {
		errs = append(errs, fmt.Errorf("inventory: RememberMillis is %d, must not be negative", c.RememberMillis))
	}
	if c.ForgetMax < 0 {
		errs = append(errs, fmt.Errorf("inventory: ForgetMax is %d, must not be negative", c.ForgetMax))
	}
	if c.EndMax < 0 {
		errs = append(errs, fmt.Errorf("inventory: EndMax is %d, must not be negative", c.EndMax))
	}
	if c.ServeMax < 0 {
		errs = append(errs, fmt.Errorf("inventory: ServeMax is %d, must not be negative", c.ServeMax))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.RememberMillis == 0 {
		c.RememberMillis = 24 * hourMillis
	}
	if c.ForgetMax == 0 {
		c.ForgetMax = 1000
	}
	if c.EndMax == 0 {
		c.EndMax = 1000
	}
	if c.ServeMax == 0 {
		c.ServeMax = 4000
	}
	return c
}
