//go:build mutants

package simulation

const (
	commitFile  = "processor/commit.go"
	settleFile  = "processor/settle.go"
	tickFile    = "processor/tick.go"
	taskFile    = "processor/task.go"
	placeFile   = "processor/reconcile.go"
	storesFile  = "processor/stores.go"
	restoreFile = "processor/restore.go"
)

// Faults of the exactly-once loop. The first eight are the faults by which exactly-once is lost in practice.
var loopMutants = []mutant{
	{name: "the store is applied before the transaction has ended", edits: []edit{
		{commitFile, `	w.at("end")
	committed, err := w.session.End(ctx, true)
`, `	for _, t := range w.batch.tasks {
		if t.hasState() {
			if err := t.store.Commit(state.Offset(t.prepared[0].Offset), state.Offset(t.prepared[len(t.prepared)-1].Offset)); err != nil {
				return err
			}
		}
	}
	w.at("end")
	committed, err := w.session.End(ctx, true)
`},
		{commitFile, `		if t.hasState() {
			first, last :=`, `		if t.hasState() && len(t.prepared) == 0 {
			first, last :=`},
	}},
	{name: "the input offset is left out of the store's batch", edits: []edit{
		{"state/apply.go", `	s.batch.Reset()
	if err := s.addEntries(d.writes, d.after.sweep.round, true); err != nil {`, `	next.state.input = s.meta.state.input
	s.batch.Reset()
	if err := s.addEntries(d.writes, d.after.sweep.round, true); err != nil {`},
	}},
	{name: "(false, nil) is taken for an abort", edits: []edit{
		{commitFile, `	if err != nil || !committed {
`, `	if err == nil && !committed {
		w.dropBatch()
		w.session.AllowRebalance()
		return nil
	}
	if err != nil || !committed {
`},
	}},
	{name: "a produce error is ignored", edits: []edit{
		{commitFile, `if err := w.session.Flush(ctx); err != nil {`, `if err := w.session.Flush(ctx); err != nil && ctx == nil {`},
	}},
	{name: "no delta when nothing changed", edits: []edit{
		{commitFile, `		for _, out := range t.prepared {
`, `		if t.hasState() && !t.store.Dirty() {
			continue
		}
		for _, out := range t.prepared {
`},
		{commitFile, `		if t.hasState() {
			first, last :=`, `		if t.hasState() && !t.store.Dirty() {
			t.store.Drop()
		} else if t.hasState() {
			first, last :=`},
	}},
	{name: "swept values come from the store, not from the overlay", edits: []edit{
		{"state/sweep.go", `if int64(round) == w.round || s.overlay.isDirty(key) {`, `if int64(round) == w.round {`},
	}},
	{name: "records are deleted after an unknown outcome", edits: []edit{
		{"state/transaction.go", `	s.prepared = prepared{is: true,`, `	s.flush.trim = max(s.flush.trim, after.sweep.redundantBelow())
	s.prepared = prepared{is: true,`},
		{settleFile, `	w.dropBatch()
	w.at("settle")
`, `	for _, t := range w.batch.tasks {
		if t.hasState() {
			w.trim(ctx, t)
		}
	}
	w.dropBatch()
	w.at("settle")
`},
	}},
	{name: "a tick is decided from the local clock, without a record", edits: []edit{
		{tickFile, `	"holdfast/topology/record"
`, `	"holdfast/processor/stage"
	"holdfast/topology/record"
`},
		{tickFile, `	w.cfg.Cluster.Tick(t.tp, record.Tick())
`, `	t.tx.now = max(t.tx.now, record.Millis(now.UnixMilli()))
	if !w.batch.open {
		w.batch.open, w.batch.begun = true, now
	}
	if !t.inBatch {
		t.inBatch = true
		w.batch.tasks = append(w.batch.tasks, t)
	}
	t.stage.Decide(&t.tx, &stage.Record{Topic: t.tp.Topic, Partition: t.tp.Partition, Offset: t.next, At: t.tx.now, Value: record.Tick()})
`},
	}},

	{name: "an undecided transaction isn't settled", edits: []edit{
		{settleFile, `if err := w.session.Settle(ctx); err != nil {`, `if err := ctx.Err(); err != nil {`},
	}},
	{name: "the outcome isn't compared after an unknown end", edits: []edit{
		{settleFile, `		w.placeAnew(t)
`, ``},
	}},
	{name: "a restore under way is taken up after a rebalance", edits: []edit{
		{settleFile, `		t.again = true
		t.cancel()
`, ``},
	}, test: "TestRestoreUnderWayIsDoneAgain"},
	{name: "a task goes on where the client thinks, not where its store is", edits: []edit{
		{placeFile, `	w.session.Seek(map[TopicPartition]record.Offset{t.tp: t.next})
`, ``},
	}},
	{name: "the overlay survives a dropped transaction", edits: []edit{
		{taskFile, `		t.store.Drop()
`, ``},
	}},
	{name: "the stage's memory survives a dropped transaction", edits: []edit{
		{taskFile, `func (t *task) drop() {
	t.stage.Reset()
`, `func (t *task) drop() {
`},
	}},
	{name: "what a stage put off is written after the delta was made", edits: []edit{
		{commitFile, `	w.at("finish")
	for _, t := range w.batch.tasks {
		if err := t.finish(); err != nil {
			return w.abandon(ctx, err)
		}
	}
	w.at("prepare")
	for _, t := range w.batch.tasks {
		if err := w.prepare(t); err != nil {
			return w.abandon(ctx, err)
		}
	}
`, `	w.at("finish")
	w.at("prepare")
	for _, t := range w.batch.tasks {
		if err := w.prepare(t); err != nil {
			return w.abandon(ctx, err)
		}
		t.stage.Reset()
	}
`},
	}},
	{name: "what is redundant is never deleted", edits: []edit{
		{tickFile, `	before, ok := t.store.TrimTo()
	if !ok {
`, `	before, ok := t.store.TrimTo()
	if !ok || before >= 0 {
`},
	}},
	{name: "records are deleted up to the start of the round that still runs", edits: []edit{
		{"state/sweep.go", `	if w.over {
		return w.start
	}
	return w.previous
`, `	return w.start
`},
	}},
	{name: "a round of the sweep ends before the last key", edits: []edit{
		{"state/sweep.go", `	if !valid && it.Error() == nil {`, `	if it.Error() == nil {`},
	}},
	{name: "a store behind a moved log start isn't wiped", edits: []edit{
		{"state/restore.go", `	err := r.s.wipe(off)
	r.at = r.s.meta
	return err
`, `	return nil
`},
	}},
	{name: "an owner whose transaction was refused applies it all the same", edits: []edit{
		{commitFile, `			err = errNotCommitted
		}
`, `			err = errNotCommitted
		}
		for _, t := range w.batch.tasks {
			if t.hasState() {
				if err := t.store.Commit(state.Offset(t.prepared[0].Offset), state.Offset(t.prepared[len(t.prepared)-1].Offset)); err != nil {
					return err
				}
			}
		}
`},
	}},
	{name: "a standby goes on with a store that a worker has taken", edits: []edit{
		{storesFile, `	if sp == nil {
		return false
	}
`, `	if sp == nil {
		sp = &spare{}
		s.spares[tp] = sp
	}
`},
	}},
}
