//go:build kafka

package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKafkaStreams keeps the peer from rotting, and proves that it decides the
// very lines that Holdfast does; it judges no figure.
func TestKafkaStreams(t *testing.T) {
	brokers := os.Getenv("HOLDFAST_KAFKA")
	require.NotEmpty(t, brokers, "HOLDFAST_KAFKA names the broker; make test-kafka starts one")
	for _, name := range []string{"javac", "mvn"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("the peer can't be built: %s isn't there (Debian: apt-get install default-jdk-headless maven)", name)
		}
	}
	const lines, skus, stock = 50_000, 1000, 100
	all, err := contenders("", ".")
	require.NoError(t, err)
	peer := all[1]
	require.Equal(t, "kafka-streams", peer.Name)
	require.NoError(t, peer.build(t.Context(), t.Output()))
	args := []string{"--brokers", brokers, "--lines", strconv.Itoa(lines), "--skus", strconv.Itoa(skus), "--warm-up", "1000"}
	a, err := peer.measure(t.Context(), append(args, "--accept-all"), lines, 2*time.Minute, t.Output())
	require.NoError(t, err)
	require.EqualValues(t, lines, a.Accepted)
	a, err = peer.measure(t.Context(), append(args, "--stock", strconv.Itoa(stock)), lines, 2*time.Minute, t.Output())
	require.NoError(t, err)
	require.EqualValues(t, accepts(lines, skus, stock), a.Accepted)
}

// accepts decides the lines of `holdfast bench inventory` with a map.
func accepts(lines, skus, stock int) (accepted int) {
	rng := rand.New(rand.NewPCG(1, 1))
	zipf := rand.NewZipf(rng, 1.1, 1, uint64(skus-1))
	sold := map[uint64]int{}
	for range lines {
		sku, quantity := zipf.Uint64(), 1+rng.IntN(4)
		if sold[sku]+quantity <= stock {
			sold[sku] += quantity
			accepted++
		}
	}
	return accepted
}
