// Package embedded runs a Kafka broker inside the process: franz-go's kfake,
// which speaks the real protocol with groups and transactions. It is there for
// the demo, for quick starts and for tests; it isn't replicated, does all its
// work in one goroutine, and no speed measured on it says anything about Kafka.
//
// One thing that Holdfast relies on is missing in kfake and added here: topics
// with message.timestamp.type=LogAppendTime get the broker's time.
//
//	client ──produce──> control hook (stamp.go) ──> kfake ──> data directory
//	                    topic of append time?
//	                    first and max timestamp := now
//	                    records' deltas         := 0
//	                    checksum anew
//
// The type bit of such batches stays CreateTime: with the bit set kfake would
// write its own time over ours, and leave a checksum that no longer fits.
package embedded
