package processor

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology"
)

// Config is what a node of the run time works with.
type Config struct {
	Topology *topology.Topology
	Slots    map[string]*topology.SlotTable // by short name of the internal log
	Cluster  Cluster
	Env      Env
	Logger   *slog.Logger
	Metrics  Observer // nil: nobody looks

	// Stages to run here: how to make one task's stage, and with how many
	// workers.
	Stages []StageConfig

	InstanceID string // part of the transactional ids; unique per node, kept over restarts
	DataDir    string
	ClusterID  string
	TopicIDs   map[string][16]byte // of the changelogs, by full name
	Store      state.Config        // a template: Dir and Identity are filled in per task
	LeaveGroup bool                // give partitions up on a graceful stop (scale-in)
	// Standbys is how many other nodes keep each partition's store up to date, as
	// far as there are so many. All nodes should have the same. Above 0, Cluster
	// must be a Follower.
	Standbys int
	// StandbyLookEvery is how often a standby asks the group who owns what.
	StandbyLookEvery time.Duration
	// TrimGrace is how long the part of a changelog that has become redundant is
	// left, where there are standbys: one that reads it still mustn't have to begin
	// anew. It costs the brokers what is written in that time.
	TrimGrace time.Duration

	// PollRecordsMax bounds one poll, BatchRecordsMax and BatchBytesMax a
	// transaction (checked after every poll): the bytes that it read, and those
	// that it writes to changelogs.
	PollRecordsMax  int
	BatchRecordsMax int
	BatchBytesMax   int
	// CommitInterval: a transaction is as old as CommitCostFactor times what
	// the last commit took, between the two bounds. So the share of time spent
	// on commits stays the same under load, and latency is low when idle.
	CommitIntervalMin time.Duration
	CommitIntervalMax time.Duration
	CommitCostFactor  int
	// LateStart is the time from the end of a transaction to the first record
	// of the next. Measured on Apache Kafka 4.1: records produced less than
	// about 2 ms after the last EndTxn meet markers that aren't written yet,
	// and wait 15 ms for the broker's retry instead of 1 ms.
	LateStart time.Duration
	// TickEvery bounds the rate of ticks that let time pass, per task; IdleAfter
	// is how long its log must have been silent before. Work that is left over
	// waits for neither.
	TickEvery time.Duration
	IdleAfter time.Duration
	// ClockJumpMax is how far a record's append time may be ahead of both the
	// record before and the node's clock. Beyond, the task halts undecided: a
	// broker's clock has gone wrong, and every expiry would be decided by it.
	ClockJumpMax time.Duration
	// Skips are records of the stages' inputs that may become dead letters, should
	// they be what halts their partitions. See skip.go.
	Skips []Place
	// VerifyKeys and VerifyBytes are how much of its tasks' stores a worker looks
	// through in a second, for what can't be; 0 keys: nothing. See verify.go.
	VerifyKeys  int
	VerifyBytes int64
	// Room says why nothing should be written to DataDir's disk now, nil where there
	// is room: partitions with state wait until then. nil: nobody looks.
	Room func() error
	// DeadLettersMax is how many dead letters more than good records (and than one a
	// second of the log's time) a source partition may deliver before it is paused
	// until an operator lets it go on. 0: it never is.
	DeadLettersMax int
	// RestoreStallMax is how long a restore may see nothing new.
	RestoreStallMax time.Duration
	// EndTimeout bounds flush and end of a transaction.
	EndTimeout time.Duration
}

// StageConfig is one stage on this node.
type StageConfig struct {
	Name    string
	New     func(tp TopicPartition) stage.Stage
	Workers int
	// Verifier makes what tells damaged state from sound; nil: nothing does.
	Verifier func() stage.Verifier
	// Outcomes names what the stage counts: Tx.Count(i) is for Outcomes[i]. Each
	// is two words, what was asked and what came of it. Empty: nobody counts.
	Outcomes []string
}

// Default returns the configuration with all defaults set.
func Default() Config {
	return Config{
		Logger:            slog.New(slog.DiscardHandler),
		Env:               Env{Now: time.Now, Spawn: func(fn func()) { go fn() }},
		PollRecordsMax:    10_000,
		BatchRecordsMax:   30_000,
		BatchBytesMax:     8 << 20,
		CommitIntervalMin: 5 * time.Millisecond,
		CommitIntervalMax: 100 * time.Millisecond,
		CommitCostFactor:  4,
		LateStart:         2 * time.Millisecond,
		TickEvery:         200 * time.Millisecond,
		IdleAfter:         50 * time.Millisecond,
		ClockJumpMax:      30 * time.Second,
		DeadLettersMax:    1000,
		RestoreStallMax:   60 * time.Second,
		EndTimeout:        30 * time.Second,
		StandbyLookEvery:  2 * time.Second,
		TrimGrace:         2 * time.Minute,
	}
}

// Validate reports all problems at once.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Topology != nil, "topology is missing")
	check(c.Cluster != nil, "cluster is missing")
	check(c.InstanceID != "", "instance id is missing")
	check(c.DataDir != "", "data directory is missing")
	check(len(c.Stages) > 0, "no stage to run")
	for _, s := range c.Stages {
		check(s.Workers > 0 && s.Workers <= 256, "stage %s: %d workers, must be 1 to 256", s.Name, s.Workers)
		check(s.New != nil, "stage %s: nothing makes it", s.Name)
		if c.Topology != nil {
			check(c.Topology.Stage(s.Name) != nil, "stage %q: unknown", s.Name)
		}
	}
	_, follows := c.Cluster.(Follower)
	check(c.Standbys >= 0, "standbys %d, must be 0 or more", c.Standbys)
	check(c.Standbys <= 0 || c.StandbyLookEvery > 0, "standbys look every %v, must be above 0", c.StandbyLookEvery)
	check(c.Standbys <= 0 || follows || c.Cluster == nil, "standbys %d: the cluster can't be followed", c.Standbys)
	check(c.TrimGrace >= 0, "trim grace %v, must be 0 or more", c.TrimGrace)
	check(c.PollRecordsMax > 0, "poll records max %d, must be above 0", c.PollRecordsMax)
	check(c.BatchRecordsMax >= 1, "batch records max %d, must be above 0", c.BatchRecordsMax)
	check(c.BatchBytesMax >= 1<<10, "batch bytes max %d, must be at least 1 KiB", c.BatchBytesMax)
	check(c.CommitIntervalMin <= c.CommitIntervalMax, "commit interval min %v is above max %v", c.CommitIntervalMin, c.CommitIntervalMax)
	check(c.CommitIntervalMax <= 5*time.Second, "commit interval max %v, must be at most 5s (half of the transaction timeout)", c.CommitIntervalMax)
	check(c.TickEvery > 0, "ticks every %v, must be above 0", c.TickEvery)
	check(c.DeadLettersMax >= 0, "dead letters max %d, must be 0 or more", c.DeadLettersMax)
	check(c.ClockJumpMax > 0, "clock jump max %v, must be above 0", c.ClockJumpMax)
	check(c.VerifyKeys >= 0, "verifying %d keys a second, must be 0 or more", c.VerifyKeys)
	check(c.VerifyKeys <= 0 || c.VerifyBytes > 0, "verifying %d bytes a second, must be above 0", c.VerifyBytes)
	check(c.RestoreStallMax > 0, "restore stall max %v, must be above 0", c.RestoreStallMax)
	check(c.EndTimeout > 0, "end timeout %v, must be above 0", c.EndTimeout)
	return errors.Join(errs...)
}
