package main

import (
	"runtime"
	"time"

	"holdfast/processor"
	"holdfast/processor/kafka"
	"holdfast/processor/order"
	"holdfast/topology"
)

// Settings is all that can be configured. Its tags are the reference: `key` is
// the name in the file and, behind HOLDFAST_, in the environment; `env` is
// another name that is common there; `doc` is for users.
type Settings struct {
	AppID    string   `key:"app_id" doc:"Begins the names of all topics, groups and transactional ids; each application on a cluster needs its own."`
	Channels []string `key:"channels" doc:"The sales channels. Each has three topics: orders, status, stock."`

	Kafka   KafkaSettings     `key:"kafka"`
	Topics  TopicSettings     `key:"topics"`
	DataDir string            `key:"data_dir" doc:"Where a node keeps its state. It can be lost: state is rebuilt from Kafka."`
	Node    NodeSettings      `key:"node"`
	Workers WorkerSettings    `key:"workers"`
	Commit  CommitSettings    `key:"commit"`
	State   StateSettings     `key:"state"`
	Intake  IntakeSettings    `key:"intake"`
	Orders  OrderSettings     `key:"orders"`
	Updates UpdateSettings    `key:"updates"`
	Admin   AdminSettings     `key:"admin"`
	Log     LogSettings       `key:"log"`
	from    map[string]string // key -> where its value comes from; no entry: the default
}

// KafkaSettings is how to reach Kafka, and how to be a member of its groups.
type KafkaSettings struct {
	Brokers        []string      `key:"brokers" env:"KAFKA_BROKERS" doc:"Some brokers of the cluster as host:port; the others are found."`
	ClientID       string        `key:"client_id" doc:"Name of the client in the broker's logs and quotas."`
	ConnectTimeout time.Duration `key:"connect_timeout" doc:"How long to wait at the start for a broker that doesn't answer."`

	SessionTimeout     time.Duration `key:"session_timeout" doc:"A node that is silent for so long loses its partitions. A node that restarts within it keeps them."`
	RebalanceTimeout   time.Duration `key:"rebalance_timeout" doc:"How long a group waits for a member that finishes its transaction."`
	TransactionTimeout time.Duration `key:"transaction_timeout" doc:"The broker aborts a transaction open for longer: how long a node that dies keeps readers waiting where no other is there to end it."`

	SASL SASLSettings `key:"sasl"`
	TLS  TLSSettings  `key:"tls"`
}

// SASLSettings is who we are to Kafka.
type SASLSettings struct {
	Mechanism    string `key:"mechanism" env:"KAFKA_SASL_MECHANISM" doc:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; empty: no authentication."`
	Username     string `key:"username" env:"KAFKA_SASL_USERNAME" doc:"Name of the user."`
	Password     string `key:"password" env:"KAFKA_SASL_PASSWORD" secret:"true" doc:"Password of the user."`
	PasswordFile string `key:"password_file" env:"KAFKA_SASL_PASSWORD_FILE" doc:"File that holds the password instead; a line break at its end doesn't count."`
}

// TLSSettings is how connections to Kafka are encrypted.
type TLSSettings struct {
	Enabled            bool   `key:"enabled" env:"KAFKA_TLS_ENABLED" doc:"Encrypt connections to Kafka."`
	CAFile             string `key:"ca_file" env:"KAFKA_TLS_CA_FILE" doc:"Certificates (PEM) that vouch for the brokers; empty: the system's."`
	CertFile           string `key:"cert_file" env:"KAFKA_TLS_CERT_FILE" doc:"Our own certificate (PEM), where brokers ask for one."`
	KeyFile            string `key:"key_file" env:"KAFKA_TLS_KEY_FILE" doc:"Its private key (PEM)."`
	ServerName         string `key:"server_name" env:"KAFKA_TLS_SERVER_NAME" doc:"Name that the brokers' certificates must have; empty: the host connected to."`
	InsecureSkipVerify bool   `key:"insecure_skip_verify" env:"KAFKA_TLS_INSECURE_SKIP_VERIFY" doc:"Believe any certificate. For tests."`
}

// TopicSettings is the shape of the topics that `topics apply` creates.
type TopicSettings struct {
	LogPartitions    int           `key:"log_partitions" doc:"Partitions of internal logs and changelogs: over how many workers a stage can spread. It can't be changed later."`
	PublicPartitions int           `key:"public_partitions" doc:"Partitions of the channels' topics, feeds and events."`
	Replication      int           `key:"replication" doc:"Copies of each partition; 0: one where there is a single broker, else three."`
	MinInsync        int           `key:"min_insync" doc:"Copies that must have a record before it counts; 0: two of three copies, else one."`
	PublicRetention  time.Duration `key:"public_retention" doc:"How long public topics keep records."`
}

// NodeSettings is what one process does.
type NodeSettings struct {
	InstanceID     string        `key:"instance_id" doc:"Name of this node, the same in each of its lives; empty: one made once and kept in the data directory."`
	Stages         []string      `key:"stages" doc:"The stages that run here."`
	Leave          bool          `key:"leave" doc:"Give partitions up at once when the node stops, instead of keeping them for its return: for scaling in."`
	Standbys       int           `key:"standbys" doc:"How many other nodes keep each partition's state up to date, as far as there are so many: what a takeover costs then doesn't grow with the state. Each costs the disk, and about the writing, of what it stands by for. All nodes should have the same."`
	ClockJumpMax   time.Duration `key:"clock_jump_max" doc:"A partition stops when its log's time jumps ahead by more: a broker's clock has gone wrong, and orders would expire by it."`
	Skip           []string      `key:"skip" doc:"Records, as TOPIC/PARTITION@OFFSET, of which what can't be decided becomes dead letters instead of halting the partition: the last resort, for one start."`
	RestoreStalled time.Duration `key:"restore_stalled" doc:"A restore that sees nothing new for so long is given up with its cause."`
}

// WorkerSettings is how many workers a stage has here. Each is one member of the
// stage's group, with one transaction at a time.
type WorkerSettings struct {
	Intake    int `key:"intake" doc:"Workers of the stage intake on this node."`
	Orders    int `key:"orders" doc:"Workers of the stage orders on this node."`
	Inventory int `key:"inventory" doc:"Workers of the stage inventory on this node: while one waits for its commit, another works. Unless set, one for each two cores, up to four."`
	Channels  int `key:"channels" doc:"Workers of the stage channels on this node."`
}

// CommitSettings is how large transactions are: the balance between latency and
// throughput.
type CommitSettings struct {
	IntervalMin time.Duration `key:"interval_min" doc:"Least age of a transaction at its commit: latency when there is little to do."`
	IntervalMax time.Duration `key:"interval_max" doc:"Greatest age of a transaction at its commit, under load."`
	RecordsMax  int           `key:"records_max" doc:"Records after which a transaction is committed in any case."`
	BytesMax    ByteSize      `key:"bytes_max" doc:"Bytes read, or to be written to changelogs, after which a transaction is committed in any case."`
}

// StateSettings is about the local stores.
type StateSettings struct {
	CacheBytes   ByteSize      `key:"cache_bytes" doc:"Memory for blocks of all stores of this node together. What was written last comes on top, at most 8 MiB for each of a node's stores. Too little shows as reads of the same blocks again and again."`
	FreeBytesMin ByteSize      `key:"free_bytes_min" doc:"With less room on the disk of data_dir the partitions here wait, and the node isn't ready; 0: until a write is refused."`
	FlushBytes   ByteSize      `key:"flush_bytes" doc:"A store is written to disk after so many bytes of changes: what is replayed after a crash."`
	FlushEvery   time.Duration `key:"flush_every" doc:"A store is written to disk at least so often."`
	VerifyKeys   int           `key:"verify_keys" doc:"Keys of its stores that each worker looks through in a second for what can't be: sums that don't add up, indexes that miss a row. A partition where something is found halts. 0: it doesn't look."`
	VerifyBytes  ByteSize      `key:"verify_bytes" doc:"The same, in bytes a second: whichever is slower counts."`
	SweepShare   float64       `key:"sweep_share" doc:"Bytes repeated in a changelog for each byte written, which keeps it short: above 0, up to 1."`
}

// IntakeSettings is about what comes from outside.
type IntakeSettings struct {
	DeadLettersMax int `key:"dead_letters_max" doc:"A source partition is paused when it has delivered so many dead letters more than good records, and than one a second; holdfast dlq resume lets it go on. 0: never."`
}

// OrderSettings is about the life of orders.
type OrderSettings struct {
	KeepClosed      time.Duration `key:"keep_closed" doc:"How long a closed order is remembered after its last event."`
	AcceptAge       time.Duration `key:"accept_age" doc:"A new order whose own time is older is a dead letter, too_old; 0 or off: any age is taken. Beyond orders.keep_closed a repetition could bring an order back to life."`
	HoldMarketplace time.Duration `key:"hold_marketplace" doc:"How long unpaid units stay held for a marketplace, which says itself when an order is paid or cancelled."`
	DecideWithin    time.Duration `key:"decide_within" doc:"An order not decided by inventory for so long is given up: rejected, or short where it is a fact."`
}

// UpdateSettings is about what channels are told.
type UpdateSettings struct {
	Window time.Duration `key:"window" doc:"How long changes of a SKU's stock are gathered before channels are told. What falls to or near zero is told at once."`
}

// AdminSettings is about metrics and health.
type AdminSettings struct {
	Listen string `key:"listen" doc:"Address of health, status and metrics; empty: none. It has no password, so it is for this machine or a closed network."`
	Pprof  bool   `key:"pprof" doc:"Serve Go's profiles at the same address. A profile can show what is in memory, and costs CPU while it is taken."`
}

// LogSettings is about what goes to standard error.
type LogSettings struct {
	Level  string `key:"level" doc:"debug, info, warn or error."`
	Format string `key:"format" doc:"text or json."`
}

// DefaultSettings returns what holds where nobody says otherwise.
func DefaultSettings() Settings {
	topics, run, member, orders := topology.Default(), processor.Default(), kafka.Default(), order.DefaultConfig()
	return Settings{
		AppID:    topics.AppID,
		Channels: topics.Channels,
		Kafka: KafkaSettings{
			Brokers:            []string{"127.0.0.1:9092"},
			ClientID:           "holdfast",
			ConnectTimeout:     30 * time.Second,
			SessionTimeout:     member.SessionTimeout,
			RebalanceTimeout:   member.RebalanceTimeout,
			TransactionTimeout: member.TransactionTimeout,
		},
		Topics: TopicSettings{
			LogPartitions:    int(topics.LogPartitions),
			PublicPartitions: int(topics.PublicPartitions),
			PublicRetention:  topics.PublicRetention,
		},
		DataDir: "holdfast-data",
		Node: NodeSettings{
			Stages:         []string{topology.StageIntake, topology.StageOrders, topology.StageInventory, topology.StageChannels},
			ClockJumpMax:   run.ClockJumpMax,
			RestoreStalled: run.RestoreStallMax,
		},
		Workers: WorkerSettings{Intake: 1, Orders: 1, Inventory: inventoryWorkers(), Channels: 1},
		Commit: CommitSettings{
			IntervalMin: run.CommitIntervalMin,
			IntervalMax: run.CommitIntervalMax,
			RecordsMax:  run.BatchRecordsMax,
			BytesMax:    ByteSize(run.BatchBytesMax),
		},
		State:  StateSettings{CacheBytes: 64 << 20, FreeBytesMin: 256 << 20, FlushBytes: 16 << 20, FlushEvery: 10 * time.Second, SweepShare: 0.5, VerifyKeys: 2000, VerifyBytes: 1 << 20},
		Intake: IntakeSettings{DeadLettersMax: run.DeadLettersMax},
		Orders: OrderSettings{
			KeepClosed:      time.Duration(orders.KeepClosedMillis) * time.Millisecond,
			AcceptAge:       time.Duration(orders.AcceptAgeMillis) * time.Millisecond,
			HoldMarketplace: time.Duration(orders.MarketplaceHoldMillis) * time.Millisecond,
			DecideWithin:    time.Duration(orders.DecideWithinMillis) * time.Millisecond,
		},
		Updates: UpdateSettings{Window: 250 * time.Millisecond},
		Admin:   AdminSettings{Listen: "127.0.0.1:9464"},
		Log:     LogSettings{Level: "info", Format: "text"},
	}
}

// inventoryWorkers: a second one gains throughput where there are cores for it.
// On two cores, with the broker beside, it made transactions half as large and the
// p99 of an order's answer 250 ms instead of 190 (5,000 orders/s).
func inventoryWorkers() int { return min(max(runtime.GOMAXPROCS(0)/2, 1), 4) }

// Topology returns what has to be on a cluster of so many brokers.
func (s *Settings) Topology(brokers int) (*topology.Topology, error) {
	c := topology.Default().ForBrokers(brokers)
	c.AppID, c.Channels = s.AppID, s.Channels
	c.LogPartitions, c.PublicPartitions = int32(s.Topics.LogPartitions), int32(s.Topics.PublicPartitions)
	c.PublicRetention = s.Topics.PublicRetention
	if s.Topics.Replication > 0 {
		c.Replication = int16(s.Topics.Replication)
		c.MinInsync = max(1, int(c.Replication)-1)
	}
	if s.Topics.MinInsync > 0 {
		c.MinInsync = s.Topics.MinInsync
	}
	return topology.New(c)
}

// WorkersOf returns how many workers a stage has.
func (s *Settings) WorkersOf(stage string) int {
	switch stage {
	case topology.StageIntake:
		return s.Workers.Intake
	case topology.StageOrders:
		return s.Workers.Orders
	case topology.StageInventory:
		return s.Workers.Inventory
	case topology.StageChannels:
		return s.Workers.Channels
	}
	panic("BUG: no stage " + stage)
}
