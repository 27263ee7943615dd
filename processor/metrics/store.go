package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"holdfast/state"
)

// storeCollector reads how the stores do when somebody asks.
type storeCollector struct {
	read   func() state.Metrics
	values []storeValue
}

type storeValue struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*state.Metrics) float64
}

// WatchStores adds what the stores tell: of all of them together, since what is
// theirs is one cache, one disk and one process.
func (m *Metrics) WatchStores(read func() state.Metrics) {
	c := &storeCollector{read: read}
	add := func(kind prometheus.ValueType, name, help string, of func(*state.Metrics) float64) {
		c.values = append(c.values, storeValue{prometheus.NewDesc(name, help, nil, nil), kind, of})
	}
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	add(gauge, "holdfast_stores", "Stores that are open.", func(s *state.Metrics) float64 { return float64(s.Stores) })
	add(counter, "holdfast_store_cache_hits_total", "Blocks found in the cache.", func(s *state.Metrics) float64 { return float64(s.CacheHits) })
	add(counter, "holdfast_store_cache_misses_total", "Blocks read from files.", func(s *state.Metrics) float64 { return float64(s.CacheMisses) })
	add(gauge, "holdfast_store_cache_bytes", "Size of the blocks in the cache.", func(s *state.Metrics) float64 { return float64(s.CacheBytes) })
	add(gauge, "holdfast_store_disk_bytes", "Disk space that the stores take.", func(s *state.Metrics) float64 { return float64(s.DiskBytes) })
	add(gauge, "holdfast_store_memtable_bytes", "Memory of what isn't flushed yet.", func(s *state.Metrics) float64 { return float64(s.MemTableBytes) })
	add(gauge, "holdfast_store_compaction_debt_bytes", "Estimate of what has to be compacted yet; growing without end, the disk is too slow.", func(s *state.Metrics) float64 { return float64(s.CompactionDebtBytes) })
	add(gauge, "holdfast_store_read_amplification", "Places that a read may have to look into, of the worst store.", func(s *state.Metrics) float64 { return float64(s.ReadAmplificationMax) })
	add(counter, "holdfast_store_flushes_total", "Flushes of memory to disk.", func(s *state.Metrics) float64 { return float64(s.Flushes) })
	add(counter, "holdfast_store_flushed_bytes_total", "Bytes that flushes wrote.", func(s *state.Metrics) float64 { return float64(s.FlushedBytes) })
	add(counter, "holdfast_store_compactions_total", "Compactions.", func(s *state.Metrics) float64 { return float64(s.Compactions) })
	add(counter, "holdfast_store_compacted_bytes_total", "Bytes that compactions wrote.", func(s *state.Metrics) float64 { return float64(s.CompactedBytes) })
	add(counter, "holdfast_store_filter_hits_total", "Reads that a filter spared.", func(s *state.Metrics) float64 { return float64(s.FilterHits) })
	add(counter, "holdfast_store_filter_misses_total", "Reads that a filter let through.", func(s *state.Metrics) float64 { return float64(s.FilterMisses) })
	m.registry.MustRegister(c)
}

// Describe is part of prometheus.Collector.
func (c *storeCollector) Describe(to chan<- *prometheus.Desc) {
	for _, v := range c.values {
		to <- v.desc
	}
}

// Collect is part of prometheus.Collector.
func (c *storeCollector) Collect(to chan<- prometheus.Metric) {
	m := c.read()
	for _, v := range c.values {
		to <- prometheus.MustNewConstMetric(v.desc, v.kind, v.of(&m))
	}
}
