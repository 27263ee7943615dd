package topology

import "encoding/binary"

// Murmur2 is the hash by which Kafka's Java clients, and most others, choose a
// record's partition. Only if ours is bit for bit the same do records that
// others produce lie where Holdfast looks for their key, and the other way
// round.
func Murmur2(key []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := seed ^ uint32(len(key))
	for len(key) >= 4 {
		k := binary.LittleEndian.Uint32(key) * m
		k = (k ^ k>>r) * m
		h = h*m ^ k
		key = key[4:]
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(key[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

// KafkaPartition is the partition of a public topic with n partitions that
// Kafka's default partitioner chooses for key. n is above 0.
func KafkaPartition(key []byte, n int32) int32 {
	return int32(Murmur2(key)&0x7fffffff) % n
}
