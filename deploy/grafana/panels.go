package main

// row is a group of panels.
type row struct {
	title string
	shows []show
}

// show is one panel.
type show struct {
	title   string
	tells   string // what to think of it, for who hovers over the title
	unit    string // Grafana's name
	stacked bool
	single  bool     // one number, large
	alarm   *float64 // red from here; of single ones
	queries []query
}

type query struct{ expr, legend string }

func one(expr, legend string) []query { return []query{{expr, legend}} }

func at(v float64) *float64 { return &v }

// rows is all that is shown, the most important first. Every expression is about
// the chosen jobs; rates are over Grafana's own interval, which is never below
// four scrapes.
func rows() []row {
	return []row{
		{"Now", []show{
			{title: "Orders per second", unit: "ops", single: true, tells: "Order events that channels sent and intake took.",
				queries: one(`sum(rate(holdfast_decisions_total{job=~"$job",stage="intake",decision="record",outcome="order_event"}[$__rate_interval]))`, "orders")},
			{title: "Behind", unit: "s", single: true, alarm: at(10), tells: "Age of the oldest record that any stage hasn't decided yet.",
				queries: one(`max(holdfast_lag_seconds{job=~"$job"})`, "seconds")},
			{title: "Halted partitions", unit: "none", single: true, alarm: at(1), tells: "A halted partition waits for somebody to look: its orders stand still, the others go on. The node's /status says why.",
				queries: one(`sum(holdfast_partitions{job=~"$job",phase="halted"})`, "halted")},
			{title: "Paused partitions", unit: "none", single: true, alarm: at(1), tells: "A source partition that delivered little but dead letters waits for somebody to let it go on: holdfast dlq resume.",
				queries: one(`sum(holdfast_partitions{job=~"$job",phase="paused"})`, "paused")},
			{title: "Waiting for brokers", unit: "s", single: true, alarm: at(10), tells: "How long a worker has been waiting for the brokers to end its transaction. The node's /status says what they answer.",
				queries: one(`max(holdfast_broker_wait_seconds{job=~"$job"})`, "seconds")},
			{title: "Restoring, time left", unit: "s", single: true, tells: "Until the last restore under way is done.",
				queries: one(`max(holdfast_restore_eta_seconds{job=~"$job"})`, "seconds")},
			{title: "Dead letters in an hour", unit: "none", single: true, alarm: at(1), tells: "Records that couldn't be decided. Each is in the topic dlq with its reason.",
				queries: one(`sum(increase(holdfast_dead_letters_total{job=~"$job"}[1h]))`, "dead letters")},
			{title: "Nodes ready", unit: "none", single: true, tells: "Nodes that have restored all that they were assigned.",
				queries: one(`sum(holdfast_ready{job=~"$job"})`, "nodes")},
		}},
		{"What is decided", []show{
			{title: "Records by kind", unit: "ops", stacked: true, tells: "What comes in from channels, feeds and tables.",
				queries: one(`sum by (outcome) (rate(holdfast_decisions_total{job=~"$job",stage="intake"}[$__rate_interval]))`, "{{outcome}}")},
			{title: "Orders by outcome", unit: "ops", stacked: true, tells: "What orders are told: order events by type.",
				queries: one(`sum by (decision, outcome) (rate(holdfast_decisions_total{job=~"$job",stage="orders"}[$__rate_interval]))`, "{{decision}} {{outcome}}")},
			{title: "Stock decisions by outcome", unit: "ops", stacked: true, tells: "What inventory decides: a line of an order at a time.",
				queries: one(`sum by (decision, outcome) (rate(holdfast_decisions_total{job=~"$job",stage="inventory"}[$__rate_interval]))`, "{{decision}} {{outcome}}")},
			{title: "Updates to channels", unit: "ops", stacked: true, tells: "Stock that shops are told; urgent is what is nearly gone.",
				queries: one(`sum by (outcome) (rate(holdfast_decisions_total{job=~"$job",stage="channels"}[$__rate_interval]))`, "{{outcome}}")},
			{title: "Dead letters by reason", unit: "ops", stacked: true,
				queries: one(`sum by (stage, reason) (rate(holdfast_dead_letters_total{job=~"$job"}[$__rate_interval]))`, "{{stage}}: {{reason}}")},
			{title: "Entries between stages", unit: "ops", tells: "Commands, decisions and availability, by who sends them to which log.",
				queries: one(`sum by (stage, log) (rate(holdfast_sent_entries_total{job=~"$job"}[$__rate_interval]))`, "{{stage}} to {{log}}")},
		}},
		{"How far behind", []show{
			{title: "Behind, in seconds", unit: "s", tells: "Age of the oldest record that a stage hasn't decided yet. 0 is caught up; a line that climbs by a second a second stands still.",
				queries: one(`max by (stage) (holdfast_lag_seconds{job=~"$job"})`, "{{stage}}")},
			{title: "Behind, in records", unit: "none", tells: "Committed records that wait. Transaction markers don't count.",
				queries: one(`sum by (stage) (holdfast_lag_records{job=~"$job"})`, "{{stage}}")},
			{title: "Worst partitions", unit: "s", tells: "One that is behind alone has halted, hangs, or has a hot key.",
				queries: one(`topk(8, holdfast_lag_seconds{job=~"$job"} > 0)`, "{{topic}}/{{partition}}")},
			{title: "Age of records at the commit, 99 %", unit: "s", tells: "What a stage adds to an order's way, waiting included: the oldest record of each transaction.",
				queries: one(`histogram_quantile(0.99, sum by (stage, le) (rate(holdfast_record_age_seconds_bucket{job=~"$job"}[$__rate_interval])))`, "{{stage}}")},
			{title: "Transactions, median and 99 %", unit: "s", tells: "From the first record polled to the confirmed commit.",
				queries: []query{
					{`histogram_quantile(0.5, sum by (stage, le) (rate(holdfast_transaction_duration_seconds_bucket{job=~"$job"}[$__rate_interval])))`, "{{stage}} median"},
					{`histogram_quantile(0.99, sum by (stage, le) (rate(holdfast_transaction_duration_seconds_bucket{job=~"$job"}[$__rate_interval])))`, "{{stage}} 99 %"},
				}},
			{title: "Commits, mean", unit: "s", tells: "Writing, flushing and ending a transaction: the broker's share.",
				queries: one(`sum by (stage) (rate(holdfast_commit_duration_seconds_sum{job=~"$job"}[$__rate_interval])) / sum by (stage) (rate(holdfast_commit_duration_seconds_count{job=~"$job"}[$__rate_interval]))`, "{{stage}}")},
		}},
		{"How it runs", []show{
			{title: "Partitions by phase", unit: "none", stacked: true,
				queries: one(`sum by (phase) (holdfast_partitions{job=~"$job"})`, "{{phase}}")},
			{title: "Transactions by result", unit: "ops", tells: "Some unknown ones belong to rebalances and restarts; many mean a broker in trouble.",
				queries: one(`sum by (stage, result) (rate(holdfast_transactions_total{job=~"$job"}[$__rate_interval]))`, "{{stage}} {{result}}")},
			{title: "Restores: records left", unit: "none",
				queries: one(`sum by (stage) (holdfast_restore_remaining_records{job=~"$job"})`, "{{stage}}")},
			{title: "Standbys, behind in seconds", unit: "s", tells: "How long ago the worst standby of a stage had all that its changelog holds: so much a takeover has to read first. Alarm above some 30 s for some minutes: a disk is too slow, or a changelog can't be read.",
				queries: one(`max by (stage, instance) (holdfast_standby_lag_seconds{job=~"$job"})`, "{{stage}} {{instance}}")},
			{title: "Standbys, behind in records", unit: "none", queries: one(`max by (stage, instance) (holdfast_standby_lag_records{job=~"$job"})`, "{{stage}} {{instance}}")},
			{title: "Stores kept up to date for other nodes", unit: "none", stacked: true, tells: "With --standby 1, as many as there are partitions with state; fewer where nobody stands by for some.",
				queries: one(`sum by (stage) (holdfast_standby_stores{job=~"$job"})`, "{{stage}}")},
			{title: "Memory", unit: "bytes", queries: []query{
				{`process_resident_memory_bytes{job=~"$job"}`, "{{instance}} resident"},
				{`go_memstats_heap_inuse_bytes{job=~"$job"}`, "{{instance}} Go heap"},
				{`holdfast_store_cache_bytes{job=~"$job"}`, "{{instance}} block cache"},
			}},
			{title: "CPU", unit: "none", tells: "Cores in use.",
				queries: one(`rate(process_cpu_seconds_total{job=~"$job"}[$__rate_interval])`, "{{instance}}")},
			{title: "Ticks", unit: "ops", tells: "Time that passes on silent logs: a few per second and stage. Many more: work in chunks.",
				queries: one(`sum by (stage) (rate(holdfast_ticks_total{job=~"$job"}[$__rate_interval]))`, "{{stage}}")},
		}},
		{"State", []show{
			{title: "Disk", unit: "bytes", queries: one(`holdfast_store_disk_bytes{job=~"$job"}`, "{{instance}}")},
			{title: "Room on the disk", unit: "bytes", tells: "Of the data directory. Below state.free_bytes_min the node's partitions wait.",
				queries: one(`holdfast_data_dir_free_bytes{job=~"$job"}`, "{{instance}}")},
			{title: "Changelogs written", unit: "Bps", queries: one(`sum by (stage) (rate(holdfast_changelog_bytes_total{job=~"$job"}[$__rate_interval]))`, "{{stage}}")},
			{title: "Block cache hits", unit: "percentunit", tells: "Below some 90 % under load, more state.cache_bytes pays.",
				queries: one(`rate(holdfast_store_cache_hits_total{job=~"$job"}[$__rate_interval]) / (rate(holdfast_store_cache_hits_total{job=~"$job"}[$__rate_interval]) + rate(holdfast_store_cache_misses_total{job=~"$job"}[$__rate_interval]))`, "{{instance}}")},
			{title: "Compactions and flushes", unit: "Bps", queries: []query{
				{`rate(holdfast_store_compacted_bytes_total{job=~"$job"}[$__rate_interval])`, "{{instance}} compacted"},
				{`rate(holdfast_store_flushed_bytes_total{job=~"$job"}[$__rate_interval])`, "{{instance}} flushed"},
			}},
			{title: "Compaction debt", unit: "bytes", tells: "Growing without end, the disk is too slow.",
				queries: one(`holdfast_store_compaction_debt_bytes{job=~"$job"}`, "{{instance}}")},
			{title: "Stores found right, in an hour", unit: "none", tells: "Walks through a whole store that found nothing wrong. What they find halts the partition.",
				queries: one(`sum by (stage) (increase(holdfast_verified_stores_total{job=~"$job"}[1h]))`, "{{stage}}")},
			{title: "Impossible state found", unit: "none", tells: "Rows that no decision leads to. Their partitions have halted; holdfast state verify tells.",
				queries: one(`sum by (stage) (increase(holdfast_state_violations_total{job=~"$job"}[1h]))`, "{{stage}}")},
			{title: "Read amplification, worst store", unit: "none", queries: one(`holdfast_store_read_amplification{job=~"$job"}`, "{{instance}}")},
		}},
	}
}
