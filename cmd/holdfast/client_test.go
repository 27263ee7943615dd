package main

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestBrokerThatIsNotThere(t *testing.T) {
	h := &harness{t: t}
	address := freeAddress(t)
	errout := h.bad(exitFailed, "topics", "plan", "--brokers", address, "--connect-timeout", "600ms")
	require.Contains(t, errout, "waiting for Kafka")
	require.Contains(t, errout, "holdfast: no broker could be reached at "+address+" for 600ms: ")
	require.Contains(t, errout, "connection refused")
	require.Contains(t, errout, "--brokers says where it is")
	require.Equal(t, 2, strings.Count(errout, "\n"), "no word of the client's own: %s", errout)
}

func TestBrokerThatComesLater(t *testing.T) {
	address := freeAddress(t)
	reader, writer := io.Pipe()
	done := make(chan int)
	go func() {
		done <- Run(t.Context(), []string{"topics", "plan", "--brokers", address}, Process{Stdout: io.Discard, Stderr: writer})
		writer.Close()
	}()
	require.Contains(t, <-lineByLine(t, reader), "waiting for Kafka")
	kfakeAt(t, address)
	require.Equal(t, exitGood, <-done)
}

// kfakeAt starts a cluster on a given address.
func kfakeAt(t *testing.T, address string, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1), kfake.ListenFn(func(network, _ string) (net.Listener, error) {
		return net.Listen(network, address)
	}))...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// A batch that is to be sent again waits for metadata: with the library's 5 s
// between two requests a node's stage stood still for so long.
func TestClientsAskForMetadataSoon(t *testing.T) {
	s := DefaultSettings()
	options, err := clientOptions(&s.Kafka)
	require.NoError(t, err)
	cl, err := kgo.NewClient(options...)
	require.NoError(t, err)
	defer cl.Close()
	require.Equal(t, unpackedBatchMax, cl.OptValue(kgo.MaxDecompressBatchBytes))
	require.Equal(t, metadataAgeMin, cl.OptValue(kgo.MetadataMinAge))
	require.LessOrEqual(t, metadataAgeMin, time.Second)
}
