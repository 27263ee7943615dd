package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"

	"holdfast/topology"
)

// dialTimeout bounds one attempt to connect: shorter than the client library's
// 10 s, so that a host that swallows packets doesn't eat the whole wait.
const dialTimeout = 3 * time.Second

// metadataAgeMin is how long a client waits at least before it asks for metadata
// again. A batch that the broker refuses for the moment, as happens at the
// beginning of a transaction that follows a large one, is sent again with new
// metadata only, and its transaction waits: with the library's 5 s a stage stood
// still for so long in the middle of a rush.
const metadataAgeMin = 100 * time.Millisecond

// unpackedBatchMax bounds what a compressed batch may become in memory. A topic
// takes batches of 8 MiB, in which whoever may write to it could pack gigabytes;
// honest JSON becomes ten times as large. What is larger can't be read: the
// partition halts with that reason, and the others go on.
const unpackedBatchMax = 256 << 20

// clientOptions returns what every client of the cluster needs: brokers, TLS,
// SASL. It reads the files that the settings name.
func clientOptions(s *KafkaSettings) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(s.Brokers...), kgo.ClientID(s.ClientID), kgo.DisableClientMetrics(), kgo.DialTimeout(dialTimeout), kgo.MetadataMinAge(metadataAgeMin), kgo.MaxDecompressBatchBytes(unpackedBatchMax),
	}
	tlsConfig, err := s.TLS.tlsConfig()
	if err != nil {
		return nil, err
	}
	if tlsConfig != nil {
		opts = append(opts, kgo.DialTLSConfig(tlsConfig))
	}
	mechanism, err := s.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

// connect makes a client and waits until a broker answers. A broker that isn't
// there yet is normal where everything starts at once, so it is asked again,
// until kafka.connect_timeout has passed.
func (a *app) connect(ctx context.Context, extra ...kgo.Opt) (*kgo.Client, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	opts, err := clientOptions(&s.Kafka)
	if err != nil {
		return nil, usageErrorf("%w", err)
	}
	log := &clientLogger{Logger: kslog.New(a.log)}
	opts = append(opts, kgo.WithLogger(log))
	cl, err := kgo.NewClient(append(opts, extra...)...)
	if err != nil {
		return nil, usageErrorf("Kafka client: %w", err)
	}
	if err := a.awaitBroker(ctx, cl, &s.Kafka); err != nil {
		cl.Close()
		return nil, err
	}
	log.connected.Store(true)
	return cl, nil
}

func (a *app) awaitBroker(ctx context.Context, cl *kgo.Client, s *KafkaSettings) error {
	const (
		pause    = 500 * time.Millisecond
		sayEvery = 5 * time.Second
	)
	brokers := strings.Join(s.Brokers, ", ")
	deadline := time.Now().Add(s.ConnectTimeout)
	timeout, cancel := context.WithDeadline(ctx, deadline.Add(dialTimeout))
	defer cancel()
	var said time.Time
	for {
		err := cl.Ping(timeout)
		if err == nil {
			return nil
		}
		hint, distrust := notTrusted(err)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case isFinal(err):
			return fmt.Errorf("the broker at %s refuses: %w", brokers, err)
		case distrust:
			return fmt.Errorf("no trust between us and the broker at %s: %w (%s)", brokers, err, hint)
		case time.Now().Add(pause).After(deadline):
			return fmt.Errorf("no broker could be reached at %s for %s: %w (%s)", brokers, formatDuration(s.ConnectTimeout), err, s.reachHint(err))
		}
		if time.Since(said) >= sayEvery {
			said = time.Now()
			a.log.Warn("waiting for Kafka", "brokers", brokers, "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// isFinal tells that asking again won't help.
func isFinal(err error) bool {
	return errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, kerr.UnsupportedSaslMechanism) ||
		errors.Is(err, kerr.IllegalSaslState)
}

// connectTopology connects, and returns what must be on that cluster too.
func (a *app) connectTopology(ctx context.Context, extra ...kgo.Opt) (*kgo.Client, *topology.Topology, error) {
	cl, err := a.connect(ctx, extra...)
	if err != nil {
		return nil, nil, err
	}
	n, err := brokerCount(ctx, cl)
	if err != nil {
		cl.Close()
		return nil, nil, err
	}
	t, err := a.loaded.Topology(n)
	if err != nil {
		cl.Close()
		return nil, nil, usageErrorf("%w", err)
	}
	return cl, t, nil
}

// clientLogger passes on what the client library says: all of it at level debug,
// else warnings only, and none while we wait for a broker, which we tell
// ourselves.
type clientLogger struct {
	*kslog.Logger
	connected atomic.Bool
}

func (l *clientLogger) Level() kgo.LogLevel {
	switch level := l.Logger.Level(); {
	case level == kgo.LogLevelDebug:
		return level
	case !l.connected.Load():
		return kgo.LogLevelNone
	default:
		return min(level, kgo.LogLevelWarn)
	}
}

// brokerCount returns how many brokers the cluster has.
func brokerCount(ctx context.Context, cl *kgo.Client) (int, error) {
	m, err := kadm.NewClient(cl).BrokerMetadata(ctx)
	if err != nil {
		return 0, fmt.Errorf("listing the brokers: %w", err)
	}
	return len(m.Brokers), nil
}
