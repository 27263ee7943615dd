//go:build synctests

package embedded_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/processor/kafka/embedded"
)

func TestVirtualNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The bubble's clock stands at 2000-01-01.
		network := new(kfake.VirtualNetwork)
		b, err := embedded.Start(embedded.Config{Network: network, InMemory: true, Skew: func() time.Duration { return time.Hour }})
		require.NoError(t, err)
		defer b.Close()
		require.NoError(t, b.Cluster().CreateTopic("ours", 1, map[string]string{"message.timestamp.type": "LogAppendTime"}))
		cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.Dialer(network.DialContext), kgo.ProducerLinger(0))
		require.NoError(t, err)
		defer cl.Close()
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "ours", Timestamp: longAgo(0)}).FirstErr())
		require.Equal(t, time.Now().Add(time.Hour).UnixMilli(), b.Cluster().PartitionInfo("ours", 0).MaxTimestamp)
	})
}
