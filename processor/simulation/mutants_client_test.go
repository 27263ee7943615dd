//go:build mutants

package simulation

// Faults of what is written where, and of partitions that have halted.
var clientMutants = []mutant{
	{name: "a gone member is fenced by InitProducerID, late, against its newer life", edits: []edit{
		{"processor/simulation/fence.go", `	if t.state == transactionOpen {
		b.endFor(t, t)
	}
`, `	if p := t.producer; p.open != nil {
		b.endFor(t, p.open)
	} else if p.epoch == t.epoch {
		p.epoch++
	}
`},
	}},
	{name: "a dead letter is written outside the transaction", edits: []edit{
		{commitFile, `	for _, out := range w.batch.close() {
`, `	for _, out := range w.batch.close() {
		if out.Topic == w.batch.dlq.name {
			w.cfg.Cluster.Tick(out.TopicPartition, out.Value)
			continue
		}
`},
	}},
	{name: "a table's row reaches only one partition of a log", edits: []edit{
		{"processor/batch.go", `	for p := range l.builders {
		b.sendTo(l, int32(p),`, `	for p := range 1 {
		b.sendTo(l, int32(p),`},
	}},
	{name: "the worker of a task that halts commits what it polled of it", edits: []edit{
		{"processor/worker.go", `		if err := w.decide(t, part); err != nil {
			return w.abandon(ctx, err)
		}
`, `		if err := w.decide(t, part); err != nil {
			w.halt(t, err)
			t.drop()
		}
`},
	}, test: "TestHaltedPartitionStopsAlone"},
}
