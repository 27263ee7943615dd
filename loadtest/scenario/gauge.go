package scenario

import "maps"

// Names of thresholds that the audit answers.
const (
	OversoldUnits = "oversold_units"
	Violations    = "violations"
)

// OutageMax is the threshold for what waits during an outage.
const OutageMax = "outage_max_ms"

// Thresholds for what a system may use more at the end of a long run than after
// it has settled: from the second fifth of the phases to the last one, median to
// median, so that neither the start nor a fault makes the difference.
const (
	MemoryGrowth      = "memory_growth"
	HeapGrowth        = "heap_growth"
	GoroutinesGrowth  = "goroutines_growth"
	DescriptorsGrowth = "descriptors_growth"
	DiskGrowth        = "disk_growth"
	ChangelogsGrowth  = "changelogs_growth"
)

// growths are the gauges of growth.
func growths() map[string]Gauge {
	return map[string]Gauge{
		MemoryGrowth:      {"", "growth of a node's resident memory from the second fifth of the phases to the last, medians, as a share: 0.1 is a tenth; the worst node"},
		HeapGrowth:        {"", "the same of its Go heap in use"},
		GoroutinesGrowth:  {"goroutines", "the same of its goroutines, as a number"},
		DescriptorsGrowth: {"descriptors", "the same of its open file descriptors, as a number"},
		DiskGrowth:        {"", "the same of its data directory, as a share"},
		ChangelogsGrowth:  {"", "the same of the changelogs on the brokers, as a share"},
	}
}

// Gauge is something that a threshold can be set for. All of them are good when
// they are low.
type Gauge struct {
	Unit string
	Doc  string
}

// Gauges returns all of them by name.
func Gauges() map[string]Gauge {
	all := growths()
	maps.Copy(all, map[string]Gauge{
		"accepted_p50_ms":  {"ms", "from the intended sending of an order to its first event"},
		"accepted_p99_ms":  {"ms", "the same, of the slowest hundredth"},
		"accepted_p999_ms": {"ms", "the same, of the slowest thousandth"},
		"accepted_max_ms":  {"ms", "the same, the slowest"},
		"decided_p99_ms":   {"ms", "from the intended sending of an order to the event that says what its lines got"},
		"decided_max_ms":   {"ms", "the same, the slowest"},
		"channel_p99_ms":   {"ms", "from an urgent change of stock to its update, the slowest channel"},
		OutageMax:          {"ms", "the slowest of all these that waited during the outage of a fault; the others are of what didn't"},
		"channel_burst":    {"updates", "updates of one SKU to one shop within a second, the most; 16 is 16 or more"},
		"lag_max":          {"records", "records that a stage hasn't consumed, the most at any second"},
		"drain_max_s":      {"s", "from the last sending until nothing is left to do"},
		"behind_max_ms":    {"ms", "how late the generator itself sent a record, at most"},
		"behind_share":     {"", "share of the records that the generator sent more than 100 ms late"},
		"dead_letters_max": {"records", "dead letters beyond the records that were broken on purpose"},
		"rejected_share":   {"", "share of the orders that were rejected"},
		"unanswered":       {"orders", "orders that nothing was said about"},
		OversoldUnits:      {"units", "units that were promised and not there"},
		Violations:         {"", "violations that the audit found, of any rule"},
	})
	return all
}
