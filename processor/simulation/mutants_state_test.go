//go:build mutants

package simulation

// Faults of stores, changelogs and restores.
var stateMutants = []mutant{
	{name: "a restore ends at the last stable offset", edits: []edit{
		{"processor/simulation/cluster.go", `	return l.start, l.end(), errors.Join`, `	return l.start, l.stableEnd(c.b.open), errors.Join`},
	}},
	{name: "a restore begins one record late", edits: []edit{
		{"state/restore.go", `	if off < r.next {
`, `	if off <= r.next && r.records == 0 {
`},
	}},
	{name: "a restore reads what was aborted", edits: []edit{
		{"processor/simulation/reader.go", `		case e.visible():
`, `		default:
`},
	}},
	{name: "an open store isn't rolled forward", edits: []edit{
		{restoreFile, `		err := f.run(ctx, out.store)
`, `		err := ctx.Err()
		if r.store == nil {
			err = f.run(ctx, out.store)
		}
`},
	}},
	{name: "a delta of several parts counts as applied from its first", edits: []edit{
		{"state/apply.go", `	next := meta{changelog: last + 1,`, `	next := meta{changelog: first + 1,`},
	}},
	{name: "time goes back with a broker's clock", edits: []edit{
		{taskFile, `		t.tx.now = max(t.tx.now, r.At)
`, `		t.tx.now = r.At
`},
	}},
	{name: "now is taken once for what was polled, not per record", edits: []edit{
		{taskFile, `		t.tx.now = max(t.tx.now, r.At)
`, `		t.tx.now = max(t.tx.now, r.At, records[len(records)-1].At)
`},
	}},
	{name: "now is taken once for what was polled, as the metamorphic runs see it", edits: []edit{
		{taskFile, `		t.tx.now = max(t.tx.now, r.At)
`, `		t.tx.now = max(t.tx.now, r.At, records[len(records)-1].At)
`},
	}, test: "TestMetamorphic"},
	{name: "a worker takes a standby's store while that is at work on it", edits: []edit{
		{storesFile, `		if sp.wanted = true; sp.busy {
`, `		if sp.wanted = true; sp.busy && tp.Topic == "" {
`},
	}},
}
