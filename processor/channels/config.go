package channels

import (
	"errors"
	"fmt"

	"holdfast/topology/record"
)

// Config of the stage. A number that is zero has its default.
type Config struct {
	// Channels are the configured channels; rows about others are ignored.
	Channels []string
	// WindowMillis is how long a change may wait for others of its SKU. 250:
	// short for a person who looks, long for a SKU that sells in a rush.
	WindowMillis record.Millis
	// ChunkMax is how many SKUs one transaction publishes or looks at beyond
	// those that its records touched: windows that are over together, and the
	// pass after a change of a table, which gets at least a quarter of it. 5000:
	// some 50 ms of work.
	ChunkMax int
}

// Validate returns all that is wrong with c, joined, or nil.
func (c *Config) Validate() error {
	var errs []error
	if len(c.Channels) == 0 {
		errs = append(errs, errors.New("channels: no channels"))
	}
	if c.WindowMillis < 0 || c.WindowMillis > 60_000 {
		errs = append(errs, fmt.Errorf("channels: window of %d ms, must be 1 to 60000", int64(c.WindowMillis)))
	}
	if c.ChunkMax < 0 {
		errs = append(errs, fmt.Errorf("channels: chunks of %d SKUs", c.ChunkMax))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.WindowMillis == 0 {
		c.WindowMillis = 250
	}
	if c.ChunkMax == 0 {
		c.ChunkMax = 5000
	}
	return c
}
