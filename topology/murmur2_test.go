package topology

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The vectors of Kafka's own UtilsTest.testMurmur2.
func TestMurmur2IsKafkas(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		require.Equal(t, want, int32(Murmur2([]byte(key))), key)
	}
}

func TestKafkaPartitionIgnoresTheSign(t *testing.T) {
	// -973932308 & 0x7fffffff = 1173551340
	require.Equal(t, int32(1173551340%7), KafkaPartition([]byte("21"), 7))
	require.Equal(t, int32(479470107%4), KafkaPartition([]byte("abc"), 4))
}

func BenchmarkMurmur2(b *testing.B) {
	key := []byte("shopee/main/251111QSK8S7BX")
	for b.Loop() {
		Murmur2(key)
	}
}
