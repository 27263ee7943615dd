package sale

import (
	"errors"
	"fmt"
	"math"
	"time"

	"holdfast/topology/record"
)

// Config is the size and shape of a sale.
type Config struct {
	Seed       uint64
	Start      record.Millis // the first order's time
	Orders     int           // distinct orders
	SKUs       int
	Warehouses int
	Rate       float64 // orders a second, as intended
	Skew       float64 // exponent of the demand's law; 0 is even
	Duplicates float64 // share of messages that are sent a second time
	Late       float64 // share of orders whose events come out of order
	Own        float64 // share of Shopee's and Shopify's orders in their own formats
	Broken     int     // records that nobody can read

	Run     string        // part of the names of orders and SKUs, so that a system can see the sale twice; "": none
	Profile *Profile      // when orders come, in place of Rate and of Orders' number; nil: evenly
	Shape   *Shape        // what the orders are like; nil: the demo's mix
	Stop    time.Duration // nothing is sent after it; 0: everything to its end
}

// Defaults returns the demo's sale. Start is left to the caller.
func Defaults() Config {
	return Config{Seed: 1111, Orders: 100_000, SKUs: 10_000, Warehouses: 20, Rate: 2_000, Skew: 1.1, Duplicates: 0.02, Late: 0.01, Own: 0.6, Broken: 20}
}

// Validate returns all that is wrong.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	share := func(name string, v float64) {
		check(v >= 0 && v <= 1, "%s is %v: a share is from 0 to 1", name, v)
	}
	check(c.Start > 0, "a sale needs a start")
	check(c.Orders >= 1, "%d orders: at least 1", c.Orders)
	check(c.SKUs >= 10, "%d SKUs: at least 10", c.SKUs)
	check(c.Warehouses >= 1 && c.Warehouses <= 1000, "%d warehouses: from 1 to 1,000", c.Warehouses)
	check(c.Profile != nil || c.Rate > 0 && !math.IsInf(c.Rate, 0), "rate %v: above 0", c.Rate)
	check(c.Skew >= 0 && c.Skew <= 5, "skew %v: from 0 to 5", c.Skew)
	check(c.Broken >= 0, "%d broken records: at least 0", c.Broken)
	share("duplicates", c.Duplicates)
	share("late", c.Late)
	share("own", c.Own)
	check(len(c.Run) <= runBytesMax && isWord(c.Run), "run %q: at most %d letters and digits", c.Run, runBytesMax)
	check(c.Stop == 0 || c.Profile != nil && c.Stop >= c.Profile.Duration()+time.Second, "stop after %v: late orders come up to a second after the last one", c.Stop)
	if c.Profile != nil {
		check(c.Orders == c.Profile.Orders(), "%d orders, and the profile has %d", c.Orders, c.Profile.Orders())
	}
	if c.Shape != nil {
		c.Shape.validate(check, c.SKUs)
	}
	return errors.Join(errs...)
}

// runBytesMax keeps ids within what the public forms allow.
const runBytesMax = 16

func isWord(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
