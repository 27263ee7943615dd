//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestFenceOnKafka: what a real coordinator says to a fence, above all where a
// newer life has a transaction open.
func TestFenceOnKafka(t *testing.T) {
	addr := os.Getenv("HOLDFAST_KAFKA")
	require.NotEmpty(t, addr, "HOLDFAST_KAFKA must name a broker; make test-kafka does all that is needed")
	for name, run := range map[string]func(*party){"the gone": fenceGone, "a newer life": spareNewer} {
		t.Run(name, func(t *testing.T) {
			p := newPartyAt(t, []string{addr}, fmt.Sprintf("fence-%d", time.Now().UnixNano()))
			t.Cleanup(func() {
				cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DisableClientMetrics())
				require.NoError(t, err)
				defer cl.Close()
				_, err = kadm.NewClient(cl).DeleteTopics(context.Background(), p.log())
				require.NoError(t, err)
			})
			can, err := p.fencer.abilities(p.ctx)
			require.NoError(t, err)
			require.Equal(t, abilities{list: true, endsExactly: true}, can)
			run(p)
		})
	}
}
