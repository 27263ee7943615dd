package embedded

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// groupSessionTimeoutMin is the shortest session timeout that a member may ask
// for: Kafka's 6 s would make every test of a takeover wait that long.
const groupSessionTimeoutMin = 100 * time.Millisecond

// virtualPort stands in for "any free port" on a virtual network, where 0 would
// be an address that no client accepts.
const virtualPort = 9092

// Config says where a broker listens and where it keeps its data.
type Config struct {
	// Listen is "host:port" of the loopback interface; port 0, or "", takes a
	// free one. kfake listens on 127.0.0.1 and nowhere else.
	Listen string
	// DataDir keeps topics, records, groups and transactions over a restart.
	// With "" they are in a temporary directory, which Close removes.
	DataDir string
	// InMemory keeps everything in memory instead, for short tests.
	InMemory bool
	// Network carries the connections in place of TCP, for tests in a bubble of
	// testing/synctest. Clients need its DialContext as their dialer.
	Network *kfake.VirtualNetwork
	// Skew is how far the clock that stamps LogAppendTime topics is ahead of
	// the machine's. nil: not at all.
	Skew func() time.Duration
	// Logger is told what kfake has to say. nil: nobody.
	Logger *slog.Logger
}

// Broker is a running embedded broker.
type Broker struct {
	cluster *kfake.Cluster
	logger  *slog.Logger
	addr    string
	tempDir string // removed by Close
	lock    io.Closer
	stamp   *stamper

	closing atomic.Bool
	closed  sync.Once
}

// Start starts a broker with one node. It fails when the address can't be
// listened on, or the data directory is in use or can't be read.
func Start(c Config) (*Broker, error) {
	port, err := port(c.Listen)
	if err != nil {
		return nil, err
	}
	if c.Network != nil && port == 0 {
		port = virtualPort
	}
	b := &Broker{logger: c.Logger}
	if b.logger == nil {
		b.logger = slog.New(slog.DiscardHandler)
	}
	opts := []kfake.Opt{
		kfake.Ports(port),
		kfake.GroupMinSessionTimeout(groupSessionTimeoutMin),
		kfake.WithLogger(logger{b.logger}),
		kfake.ClusterID(newClusterID()), // a data directory keeps its own
	}
	if c.Network != nil {
		opts = append(opts, kfake.ListenFn(c.Network.Listen))
	}
	if !c.InMemory {
		dir, err := b.openDir(c.DataDir)
		if err != nil {
			b.closeDir()
			return nil, err
		}
		opts = append(opts, kfake.DataDir(dir))
	}
	if b.cluster, err = kfake.NewCluster(opts...); err != nil {
		b.closeDir()
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	b.addr = b.cluster.ListenAddrs()[0]
	b.stamp = newStamper(b.cluster, c.Skew)
	b.hook(kmsg.Produce, func(r kmsg.Request) { b.stamp.produce(r.(*kmsg.ProduceRequest)) })
	b.hook(kmsg.AlterConfigs, func(kmsg.Request) { b.stamp.forget() })
	b.hook(kmsg.IncrementalAlterConfigs, func(kmsg.Request) { b.stamp.forget() })
	return b, nil
}

// hook lets fn see, and change, every request of a kind before kfake handles it.
func (b *Broker) hook(key kmsg.Key, fn func(kmsg.Request)) {
	b.cluster.ControlKey(key.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		// While a hook runs, kfake's loop also takes orders to shut down. A
		// request handled after its state was saved would be acknowledged and
		// forgotten, so its connection is dropped instead.
		if b.closing.Load() {
			b.cluster.KeepControl()
			return nil, net.ErrClosed, true
		}
		fn(r)
		return nil, nil, false
	})
}

// Addr returns "host:port" of the broker, for a client's seed brokers.
func (b *Broker) Addr() string { return b.addr }

// Cluster returns the kfake cluster: for faults in tests.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// Close saves what there is, closes all connections, and removes a temporary
// data directory. It can be called twice.
func (b *Broker) Close() {
	b.closed.Do(func() {
		b.closing.Store(true)
		b.cluster.Close()
		b.closeDir()
	})
}

// openDir makes and locks the data directory: two brokers in one directory
// would write over each other's records.
func (b *Broker) openDir(dir string) (string, error) {
	var err error
	if dir == "" {
		if dir, err = os.MkdirTemp("", "holdfast-broker-"); err != nil {
			return "", fmt.Errorf("making the broker's temporary directory: %w", err)
		}
		b.tempDir = dir
	} else if err = os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the broker's data directory: %w", err)
	}
	if b.lock, err = vfs.Default.Lock(filepath.Join(dir, "LOCK")); err != nil {
		return "", fmt.Errorf("locking %s (is another broker using it?): %w", dir, err)
	}
	return dir, nil
}

func (b *Broker) closeDir() {
	if b.lock != nil {
		if err := b.lock.Close(); err != nil {
			b.logger.Warn("unlocking the broker's data directory", "err", err)
		}
	}
	if b.tempDir != "" {
		if err := os.RemoveAll(b.tempDir); err != nil {
			b.logger.Warn("removing the broker's temporary directory", "err", err)
		}
	}
}

// port reads a listen address.
func port(listen string) (int, error) {
	if listen == "" {
		return 0, nil
	}
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return 0, fmt.Errorf("address %q of the embedded broker: %w", listen, err)
	}
	if host != "" && host != "localhost" && host != "127.0.0.1" {
		return 0, fmt.Errorf("address %q of the embedded broker: it listens on 127.0.0.1 only", listen)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, errors.Join(fmt.Errorf("address %q of the embedded broker: port", listen), err)
	}
	return int(n), nil
}

// newClusterID makes an id as Kafka's are: 16 random bytes. Stores remember it,
// so that the state of one cluster is never taken for that of another.
func newClusterID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(id[:])
}
