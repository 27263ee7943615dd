package intake

import (
	"errors"
	"fmt"

	"holdfast/topology/record"
)

// Config is what intake is told.
type Config struct {
	// Channels are the configured sales channels.
	Channels []string
	// Adapters read the channels' own payloads, by channel name. A channel
	// without one takes the canonical form only.
	Adapters map[string]record.Adapter
	// Shops returns the newest view of the table channels. nil: the table is empty.
	Shops func() *Shops
	// HoldSecondsMarketplace is how long an unpaid marketplace order holds its
	// units at most where it names no time itself: the channel says paid or
	// cancelled, and may forget to. Zero has the default, 72 h; at most 604800.
	HoldSecondsMarketplace int64
	// Report is told what is odd in a row that is taken all the same. May be nil.
	Report func(message string)
}

// holdSecondsMarketplaceUsed: what marketplaces give a buyer to pay, and a day more.
const holdSecondsMarketplaceUsed = 72 * 3600

// Validate returns all that is wrong with c, joined, or nil.
func (c *Config) Validate() error {
	var errs []error
	if len(c.Channels) == 0 {
		errs = append(errs, errors.New("intake: no channels"))
	}
	known := map[string]bool{}
	for _, name := range c.Channels {
		if checkChannel("channel", name) != nil || known[name] {
			errs = append(errs, fmt.Errorf("intake: channel %q isn't a name or is listed twice", name))
		}
		known[name] = true
	}
	for name, adapter := range c.Adapters {
		if !known[name] {
			errs = append(errs, fmt.Errorf("intake: adapter of %q, which isn't a channel", name))
		}
		if adapter == nil {
			errs = append(errs, fmt.Errorf("intake: adapter of %q is nil", name))
		}
	}
	if c.HoldSecondsMarketplace < 0 || c.HoldSecondsMarketplace > record.HoldSecondsMax {
		errs = append(errs, fmt.Errorf("intake: marketplace hold of %d s, must be at most %d", c.HoldSecondsMarketplace, record.HoldSecondsMax))
	}
	return errors.Join(errs...)
}
