package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"holdfast/topology"
	"holdfast/topology/record"
)

// workersMax bounds the workers of a stage on a node: each is a member of its
// group with a producer and connections of its own, and more than a log can have
// partitions for would idle.
const workersMax = 256

// standbysMax: more would only write the same more often.
const standbysMax = 10

// Validate returns all that is wrong with s, joined, or nil. It looks at nothing
// outside: files are read when they are used.
func (s *Settings) Validate() error {
	v := &settingErrors{}
	s.Kafka.validate(v)
	v.between("topics.log_partitions", s.Topics.LogPartitions, 1, topology.Slots)
	v.between("topics.public_partitions", s.Topics.PublicPartitions, 1, 1024)
	v.between("topics.replication", s.Topics.Replication, 0, 32)
	v.between("topics.min_insync", s.Topics.MinInsync, 0, 32)
	if len(v.errs) == 0 { // names, channels, retention
		if _, err := s.Topology(3); err != nil {
			v.errs = append(v.errs, err)
		}
	}
	v.check(s.DataDir != "", "data_dir: is empty")
	s.Node.validate(v)
	v.between("workers.intake", s.Workers.Intake, 1, workersMax)
	v.between("workers.orders", s.Workers.Orders, 1, workersMax)
	v.between("workers.inventory", s.Workers.Inventory, 1, workersMax)
	v.between("workers.channels", s.Workers.Channels, 1, workersMax)
	s.Commit.validate(v, s.Kafka.TransactionTimeout)
	s.State.validate(v)
	v.check(s.Intake.DeadLettersMax >= 0, "intake.dead_letters_max: %d, must be 0 (never) or more", s.Intake.DeadLettersMax)
	v.within("orders.keep_closed", s.Orders.KeepClosed, time.Millisecond, 3650*day)
	v.within("orders.accept_age", s.Orders.AcceptAge, 0, 3650*day)
	v.within("orders.hold_marketplace", s.Orders.HoldMarketplace, time.Second, record.HoldSecondsMax*time.Second)
	v.within("orders.decide_within", s.Orders.DecideWithin, 100*time.Millisecond, time.Hour)
	v.within("updates.window", s.Updates.Window, time.Millisecond, time.Minute)
	if s.Admin.Listen != "" {
		v.address("admin.listen", s.Admin.Listen)
	}
	v.oneOf("log.level", s.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", s.Log.Format, "text", "json")
	return errors.Join(v.errs...)
}

// Warnings returns what is allowed and should be known.
func (s *Settings) Warnings() []string {
	var w []string
	if s.Orders.AcceptAge == 0 || s.Orders.AcceptAge > s.Orders.KeepClosed {
		w = append(w, fmt.Sprintf("orders.accept_age (%s) lets new orders in that are older than orders.keep_closed (%s): one that comes again after that is sold again",
			offOr(s.Orders.AcceptAge), formatDuration(s.Orders.KeepClosed)))
	}
	if s.Kafka.TLS.Enabled && s.Kafka.TLS.InsecureSkipVerify {
		w = append(w, "kafka.tls.insecure_skip_verify: whoever answers is believed to be Kafka")
	}
	if s.Kafka.SASL.Mechanism == "PLAIN" && !s.Kafka.TLS.Enabled {
		w = append(w, "kafka.sasl.mechanism PLAIN without kafka.tls.enabled: the password crosses the network in plain text")
	}
	if sasl := s.Kafka.SASL; sasl.Mechanism == "" && sasl != (SASLSettings{}) {
		w = append(w, "kafka.sasl: a user or password isn't used without kafka.sasl.mechanism")
	}
	if host, _, err := net.SplitHostPort(s.Admin.Listen); s.Admin.Pprof && err == nil && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		w = append(w, fmt.Sprintf("admin.pprof on %s: whoever reaches it can see what is in memory", s.Admin.Listen))
	}
	if t := s.Kafka.TLS; !t.Enabled && t != (TLSSettings{}) {
		w = append(w, "kafka.tls: its settings aren't used without kafka.tls.enabled")
	}
	return w
}

func offOr(d time.Duration) string {
	if d == 0 {
		return "off"
	}
	return formatDuration(d)
}

func (k *KafkaSettings) validate(v *settingErrors) {
	v.check(len(k.Brokers) > 0, "kafka.brokers: none")
	for _, b := range k.Brokers {
		v.address("kafka.brokers", b)
	}
	v.within("kafka.connect_timeout", k.ConnectTimeout, 0, time.Hour)
	// Below a second, a pause of the process or the network is taken for death.
	v.within("kafka.session_timeout", k.SessionTimeout, time.Second, 30*time.Minute)
	v.within("kafka.rebalance_timeout", k.RebalanceTimeout, time.Second, 30*time.Minute)
	// Brokers refuse more than 15 minutes unless they are told otherwise.
	v.within("kafka.transaction_timeout", k.TransactionTimeout, time.Second, 15*time.Minute)
	s := &k.SASL
	if s.Mechanism != "" {
		v.oneOf("kafka.sasl.mechanism", s.Mechanism, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
		v.check(s.Username != "", "kafka.sasl.username: is empty, and kafka.sasl.mechanism needs it")
		v.check((s.Password != "") != (s.PasswordFile != ""), "kafka.sasl: one of password and password_file is needed, not both")
	}
	t := &k.TLS
	v.check((t.CertFile == "") == (t.KeyFile == ""), "kafka.tls: cert_file and key_file belong together")
}

func (n *NodeSettings) validate(v *settingErrors) {
	v.check(n.InstanceID == "" || topology.IsInstanceID(n.InstanceID),
		"node.instance_id: %q must be 1 to 128 of A-Z a-z 0-9 _ -, beginning with a letter or digit", n.InstanceID)
	v.check(len(n.Stages) > 0, "node.stages: none")
	for i, stage := range n.Stages {
		v.oneOf("node.stages", stage, topology.StageIntake, topology.StageOrders, topology.StageInventory, topology.StageChannels)
		v.check(!slices.Contains(n.Stages[:i], stage), "node.stages: %s is there twice", stage)
	}
	for _, text := range n.Skip {
		_, _, err := cutPlace(text)
		v.check(err == nil, "node.skip: %v", err)
	}
	v.between("node.standbys", n.Standbys, 0, standbysMax)
	v.within("node.clock_jump_max", n.ClockJumpMax, time.Second, 365*day)
	v.within("node.restore_stalled", n.RestoreStalled, time.Second, time.Hour)
}

func (c *CommitSettings) validate(v *settingErrors, transactionTimeout time.Duration) {
	v.within("commit.interval_min", c.IntervalMin, 0, 5*time.Second)
	v.within("commit.interval_max", c.IntervalMax, time.Millisecond, 5*time.Second)
	v.check(c.IntervalMin <= c.IntervalMax, "commit.interval_min: %v is above commit.interval_max, %v", c.IntervalMin, c.IntervalMax)
	v.check(c.IntervalMax <= transactionTimeout/2, "commit.interval_max: %v is above half of kafka.transaction_timeout, %v", c.IntervalMax, transactionTimeout)
	v.between("commit.records_max", c.RecordsMax, 1, 10_000_000)
	v.check(c.BytesMax >= 1<<10 && c.BytesMax <= 1<<30, "commit.bytes_max: %v, must be 1KiB to 1GiB", c.BytesMax)
}

func (s *StateSettings) validate(v *settingErrors) {
	v.check(s.CacheBytes >= 1<<20, "state.cache_bytes: %v, must be at least 1MiB", s.CacheBytes)
	v.check(s.FreeBytesMin >= 0, "state.free_bytes_min: %v, must not be negative", s.FreeBytesMin)
	v.check(s.FlushBytes >= 64<<10, "state.flush_bytes: %v, must be at least 64KiB", s.FlushBytes)
	v.within("state.flush_every", s.FlushEvery, 100*time.Millisecond, time.Hour)
	v.between("state.verify_keys", s.VerifyKeys, 0, 1_000_000)
	v.check(s.VerifyBytes >= 1<<10, "state.verify_bytes: %v, must be at least 1KiB (state.verify_keys 0 turns it off)", s.VerifyBytes)
	v.check(s.SweepShare > 0 && s.SweepShare <= 1, "state.sweep_share: %v, must be above 0 and up to 1", s.SweepShare)
}

type settingErrors struct{ errs []error }

func (v *settingErrors) check(ok bool, format string, args ...any) {
	if !ok {
		v.errs = append(v.errs, fmt.Errorf(format, args...))
	}
}

func (v *settingErrors) between(key string, n, least, most int) {
	v.check(n >= least && n <= most, "%s: %d, must be %d to %d", key, n, least, most)
}

func (v *settingErrors) within(key string, d, least, most time.Duration) {
	v.check(d >= least && d <= most, "%s: %s, must be %s to %s", key, formatDuration(d), formatDuration(least), formatDuration(most))
}

func (v *settingErrors) oneOf(key, got string, allowed ...string) {
	v.check(slices.Contains(allowed, got), "%s: %q, must be one of %s", key, got, strings.Join(allowed, ", "))
}

func (v *settingErrors) address(key, a string) {
	_, port, err := net.SplitHostPort(a)
	v.check(err == nil && port != "", "%s: %q isn't host:port", key, a)
}
