package topology

import (
	"errors"
	"fmt"
	"time"
)

// Config is what can be chosen about the topology.
type Config struct {
	AppID            string   // begins all names: [A-Za-z0-9_-], 1..64
	Channels         []string // sales channels: [a-z][a-z0-9-]{0,31}, each has three topics
	LogPartitions    int32    // of internal logs and changelogs, 1..4096: what a stage can be spread over
	PublicPartitions int32    // of public topics and feeds, 1..1024
	TablePartitions  int32    // of warehouses, catalog, channels: must be 1, a table is one sequence of versions
	Replication      int16    // 1..32
	MinInsync        int      // replicas that must have a record: 1..Replication
	PublicRetention  time.Duration
}

// Default returns the configuration for a single broker.
func Default() Config {
	return Config{
		AppID:            "holdfast",
		Channels:         []string{"shopee", "lazada", "tiktok", "shopify", "facebook", "pos", "web", "callcentre", "mobile"},
		LogPartitions:    8,
		PublicPartitions: 4,
		TablePartitions:  1,
		Replication:      1,
		MinInsync:        1,
		PublicRetention:  7 * 24 * time.Hour,
	}
}

// ForBrokers sets Replication and MinInsync to what a cluster of n brokers
// should have: one copy on a single broker, else three of which two must have a
// record. Two brokers may be three, one of which is just away: nobody is to get
// topics without copies from a restart of theirs.
func (c Config) ForBrokers(n int) Config {
	if n >= 2 {
		c.Replication, c.MinInsync = 3, 2
	} else {
		c.Replication, c.MinInsync = 1, 1
	}
	return c
}

// Validate returns all that is wrong with c, joined, or nil.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	// No dot: open transactions are looked up by the prefix "<app>.", and the
	// application "a" must never find, and fence, those of "a.b".
	check(isWord(c.AppID, 64), "app id %q: must be 1 to 64 of A-Z a-z 0-9 _ -, beginning with a letter or digit", c.AppID)
	check(len(c.Channels) > 0, "channels: none configured")
	seen := map[string]bool{}
	for _, name := range c.Channels {
		check(IsChannelName(name), "channel %q: must be a lower-case letter followed by up to 31 of a-z 0-9 -", name)
		check(!seen[name], "channel %q: listed twice", name)
		seen[name] = true
	}
	check(c.LogPartitions >= 1 && c.LogPartitions <= Slots, "log partitions %d: must be 1 to %d", c.LogPartitions, Slots)
	check(c.PublicPartitions >= 1 && c.PublicPartitions <= 1024, "public partitions %d: must be 1 to 1024", c.PublicPartitions)
	check(c.TablePartitions == 1, "table partitions %d: must be 1", c.TablePartitions)
	check(c.Replication >= 1 && c.Replication <= 32, "replication %d: must be 1 to 32", c.Replication)
	check(c.MinInsync >= 1 && c.MinInsync <= int(c.Replication), "min insync %d: must be 1 to the replication, %d", c.MinInsync, c.Replication)
	check(c.PublicRetention >= time.Minute, "public retention %v: must be at least 1m", c.PublicRetention)
	return errors.Join(errs...)
}

// IsChannelName tells whether name can be a channel's.
func IsChannelName(name string) bool {
	if name == "" || len(name) > 32 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for i := 1; i < len(name); i++ {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// IsInstanceID tells whether id can name a process in transactional ids: no dot,
// which separates the parts there.
func IsInstanceID(id string) bool { return isWord(id, 128) }

func isWord(s string, bytesMax int) bool {
	if s == "" || len(s) > bytesMax {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '_' && c != '-') {
			return false
		}
	}
	return true
}
