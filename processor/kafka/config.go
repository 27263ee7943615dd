package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"

	"holdfast/topology"
)

// Config says how to reach the cluster and how to behave in its groups.
type Config struct {
	// Client holds what every client needs: brokers, TLS, SASL, dialer.
	Client   []kgo.Opt
	Topology *topology.Topology
	Logger   *slog.Logger

	// SessionTimeout: a member that is silent for so long loses its partitions.
	SessionTimeout time.Duration
	// RebalanceTimeout: how long the group waits for a member that finishes its
	// transaction.
	RebalanceTimeout time.Duration
	// TransactionTimeout: a transaction open for longer is aborted by the
	// broker. It is how long a crashed member that doesn't come back keeps
	// readers waiting where nobody is left in its group to fence it.
	TransactionTimeout time.Duration
	// FetchMaxWait: how long the broker may wait for new records.
	FetchMaxWait time.Duration
	// FetchBytesMax bounds one fetch of one client, FetchPartitionBytesMax its
	// part of one partition. A client holds one that is worked off and one that
	// waits, unpacked: several times their size. Twice as much was no faster by
	// more than what runs differ, and took 50 MiB more.
	FetchBytesMax          int32
	FetchPartitionBytesMax int32
	// Static membership: a restart within SessionTimeout keeps its partitions.
	Static bool
	// FenceGone: end the transactions that members left open who are gone for
	// good. Needs Static.
	FenceGone bool
	// Compression of what is produced. Snappy, as it takes as little room on the broker as lz4 does (changelog of two
	// million reservations: 43 MiB both, 193 without, zstd 25) for less CPU: 6 % more lines per core-second.
	Compression kgo.CompressionCodec
}

// Default returns the configuration with all defaults set.
func Default() Config {
	return Config{
		Logger:                 slog.New(slog.DiscardHandler),
		SessionTimeout:         45 * time.Second,
		RebalanceTimeout:       60 * time.Second,
		TransactionTimeout:     10 * time.Second,
		FetchMaxWait:           250 * time.Millisecond,
		FetchBytesMax:          2 << 20,
		FetchPartitionBytesMax: 512 << 10,
		Static:                 true,
		FenceGone:              true,
		Compression:            kgo.SnappyCompression(),
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
	check(c.Topology != nil, "topology is missing")
	check(c.SessionTimeout >= time.Second, "session timeout %v, must be at least 1s", c.SessionTimeout)
	check(c.RebalanceTimeout >= time.Second, "rebalance timeout %v, must be at least 1s", c.RebalanceTimeout)
	check(c.TransactionTimeout >= time.Second, "transaction timeout %v, must be at least 1s", c.TransactionTimeout)
	check(c.FetchBytesMax >= c.FetchPartitionBytesMax, "fetch bytes max %d is below fetch partition bytes max %d", c.FetchBytesMax, c.FetchPartitionBytesMax)
	return errors.Join(errs...)
}

// recordBytesMax is what a batch of a topic may weigh. Internal records are kept
// small by who makes them; an order of a thousand lines over many warehouses, or
// a dead letter that was too large for everybody else, is as large as its topic
// allows.
func (c *Config) recordBytesMax() func(topic string) int32 {
	const usual = 1_000_012 // Kafka's own default
	large := map[string]int32{}
	for i := range c.Topology.Topics {
		t := &c.Topology.Topics[i]
		if t.Role != topology.RolePublicOut && t.Role != topology.RoleDLQ {
			continue
		}
		if n, err := strconv.ParseInt(t.Configs["max.message.bytes"], 10, 32); err == nil && n > usual {
			large[t.Name] = int32(n)
		}
	}
	return func(topic string) int32 {
		if n := large[topic]; n > 0 {
			return n
		}
		return usual
	}
}

func (c *Config) base(what string) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.ClientID(c.Topology.AppID + "-" + what),
		kgo.WithLogger(kslog.New(quieter(c.Logger))),
		kgo.DisableClientMetrics(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, c.Client...)
}

// quieter hides what the client says at level info: a line per transaction.
func quieter(l *slog.Logger) *slog.Logger { return slog.New(atLeastWarn{l.Handler()}) }
