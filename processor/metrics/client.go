package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// clientHooks are kprom's, without those for the birth and the end of a client:
// there it registers and forgets everything anew, and a node's clients come and
// go with its sessions. So one set counts for all clients.
type clientHooks struct {
	kgo.HookBrokerConnect
	kgo.HookBrokerDisconnect
	kgo.HookBrokerWrite
	kgo.HookBrokerRead
	kgo.HookBrokerE2E
	kgo.HookBrokerThrottle
	kgo.HookProduceBatchWritten
	kgo.HookFetchBatchRead
}

// ClientOption makes a Kafka client count. To be called once; what it returns may
// be given to many clients.
func (m *Metrics) ClientOption() kgo.Opt {
	k := kprom.NewMetrics("holdfast_kafka",
		kprom.Registry(unbuffered{m.registry}),
		kprom.FetchAndProduceDetail(kprom.ByTopic, kprom.Batches, kprom.Records, kprom.UncompressedBytes, kprom.CompressedBytes, kprom.ConsistentNaming),
	)
	// It makes its collectors when it meets its first client, of which it only
	// wants to know what is left out below.
	k.OnNewClient(nil)
	return kgo.WithHooks(clientHooks{k, k, k, k, k, k, k, k})
}

// unbuffered leaves out what one client has buffered: it isn't that of all.
type unbuffered struct{ *prometheus.Registry }

func (r unbuffered) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc, 8)
	c.Describe(descs)
	if strings.Contains((<-descs).String(), "_buffered_") {
		return nil
	}
	return r.Registry.Register(c)
}

func (r unbuffered) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}
