package topology

import (
	"maps"
	"strconv"
)

const (
	mib = 1 << 20

	// A value may have 1 MiB. What is larger must still reach intake, which
	// writes it to the dead letters with its reason and original bytes.
	publicBytesMax = 8 * mib
	dlqBytesMax    = 16 * mib

	// Internal records are kept under 900 KiB by who writes them. The bound
	// leaves room for a batch's overhead and says what is a bug.
	internalBytesMax = 2 * mib

	// DeleteRecords moves a log's start at once, but the broker frees whole
	// segments only: with its usual 1 GiB a changelog would keep gigabytes that
	// nobody reads. Not smaller either: each segment is three files, and a new
	// one costs a pause.
	changelogSegmentBytes = 16 * mib
	logSegmentBytes       = 64 * mib
)

func (t *Topology) addTopics(c *Config) {
	add := func(short string, role Role, partitions int32, settings map[string]string) {
		configs := maps.Clone(settings)
		configs["min.insync.replicas"] = strconv.Itoa(c.MinInsync)
		t.Topics = append(t.Topics, Topic{
			Name: t.Name(short), Short: short, Role: role,
			Partitions: partitions, Replication: c.Replication, Configs: configs,
		})
	}
	retention := strconv.FormatInt(c.PublicRetention.Milliseconds(), 10)
	public := map[string]string{
		"cleanup.policy": "delete", "retention.ms": retention, "max.message.bytes": strconv.Itoa(publicBytesMax),
	}
	for _, name := range c.Channels {
		add(ChannelOrders(name), RolePublicIn, c.PublicPartitions, public)
	}
	add(StockFeed, RolePublicIn, c.PublicPartitions, public)
	add(FulfilmentFeed, RolePublicIn, c.PublicPartitions, public)
	table := map[string]string{"cleanup.policy": "compact", "max.message.bytes": strconv.Itoa(publicBytesMax)}
	for _, short := range []string{Warehouses, Catalog, ChannelTable} {
		add(short, RoleTable, c.TablePartitions, table)
	}
	for _, short := range []string{LogOrders, LogInventory, LogAvailability} {
		add(short, RoleLog, c.LogPartitions, logSettings())
	}
	for _, stage := range []string{StageOrders, StageInventory, StageChannels} {
		add(Changelog(stage), RoleChangelog, c.LogPartitions, changelogSettings())
	}
	add(OrderEvents, RolePublicOut, c.PublicPartitions, public)
	add(StockEvents, RolePublicOut, c.PublicPartitions, public)
	for _, name := range c.Channels {
		add(ChannelStatus(name), RolePublicOut, c.PublicPartitions, public)
		add(ChannelStock(name), RolePublicOut, c.PublicPartitions, public)
	}
	add(DeadLetters, RoleDLQ, c.PublicPartitions, map[string]string{
		"cleanup.policy": "delete", "retention.ms": retention, "max.message.bytes": strconv.Itoa(dlqBytesMax),
	})
	// Compacted, never deleted by age: a letter whose note is gone could be
	// replayed twice. The notes of letters that are gone are deleted by who writes
	// the next one.
	add(DeadLettersDone, RoleDLQDone, 1, map[string]string{"cleanup.policy": "compact", "max.message.bytes": strconv.Itoa(mib)})
	add(SlotTables, RoleSlots, 1, map[string]string{"cleanup.policy": "compact", "max.message.bytes": strconv.Itoa(mib)})
}

// logSettings: time is the log's own, and nothing is deleted but by Holdfast,
// or the work of a halted partition would vanish under it.
func logSettings() map[string]string {
	return map[string]string{
		"message.timestamp.type": "LogAppendTime",
		"cleanup.policy":         "delete",
		"retention.ms":           "-1",
		"retention.bytes":        "-1",
		"max.message.bytes":      strconv.Itoa(internalBytesMax),
		"segment.bytes":          strconv.Itoa(logSegmentBytes),
	}
}

// changelogSettings: deltas build on each other, so neither compaction nor
// retention may take one away.
func changelogSettings() map[string]string {
	return map[string]string{
		"cleanup.policy":    "delete",
		"retention.ms":      "-1",
		"retention.bytes":   "-1",
		"max.message.bytes": strconv.Itoa(internalBytesMax),
		"segment.bytes":     strconv.Itoa(changelogSegmentBytes),
	}
}
