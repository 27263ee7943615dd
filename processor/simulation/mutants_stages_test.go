//go:build mutants

package simulation

// Faults of decisions: the judge decides by the same stages, so only the audit
// can find them.
var stageMutants = []mutant{
	{name: "a claim is released and stays", edits: []edit{
		{"processor/inventory/release.go", `	h.reset()
`, ``},
	}},
	{name: "a hold has two owners: inventory lets it go as well", edits: []edit{
		{"processor/inventory/command.go", `	s.send(tx, e.Origin)
	if c.Verb == record.VerbRelease ||`, `	if c.Verb == record.VerbReserve && h.live() && !h.Allocated {
		due := binary.BigEndian.AppendUint64([]byte("z"), uint64(tx.Now()+4000))
		tx.Put(append(append(append(due, c.SKU...), 0), c.OrderKey...), nil)
	}
	s.send(tx, e.Origin)
	if c.Verb == record.VerbRelease ||`},
		{"processor/inventory/command.go", `import (
`, `import (
	"encoding/binary"
	"strings"
`},
		{"processor/inventory/command.go", `// decideUnclaimed decides`, `func (s *Stage) letGo(tx stage.Tx) {
	var due [][]byte
	tx.Scan([]byte("z"), binary.BigEndian.AppendUint64([]byte("z"), uint64(tx.Now())), func(key, _ []byte) bool {
		due = append(due, append([]byte(nil), key...))
		return true
	})
	for _, key := range due {
		tx.Delete(key)
		sku, order, _ := strings.Cut(string(key[9:]), "\x00")
		it := s.load(tx, record.SKU(sku))
		if s.loadHold(tx, it, record.OrderKey(order), &s.hold) && !s.hold.Allocated {
			s.command = record.Command{OrderKey: record.OrderKey(order), SKU: record.SKU(sku), Attempt: s.hold.Attempt, Cause: "expiry"}
			s.replace(tx, it, record.Origin{})
		}
	}
}

// decideUnclaimed decides`},
		{"processor/inventory/stage.go", `	s.endDueQuotas(tx)
	s.catchUp(tx)
`, `	s.letGo(tx)
	s.endDueQuotas(tx)
	s.catchUp(tx)
`},
	}},
	{name: "a decision of an old attempt counts", edits: []edit{
		{"processor/order/decided.go", `d.Attempt == t.o.Attempt && (`, `d.Attempt <= t.o.Attempt && (`},
	}},
	{name: "what isn't decided yet isn't released", edits: []edit{
		{"processor/order/turn.go", `(!it.Decided || it.Waiting > 0`, `(it.Waiting > 0`},
	}},
	{name: "a closed order is forgotten before its repetition is refused", edits: []edit{
		{"processor/order/turn.go", `t.now+record.Millis(t.cfg.KeepClosedMillis)`, `t.now+record.Millis(t.cfg.KeepClosedMillis)/20`},
	}},
	{name: "an order expires although its payment waits for the decision", edits: []edit{
		{"processor/order/timer.go", `			d[timerExpiry] = 0
`, ``},
	}},
	{name: "a version is the time alone", edits: []edit{
		{"processor/channels/publish.go", `		version := max(c.version+1, now)
`, `		version := now
`},
	}},
	{name: "windows are queued, and the queue's end isn't stored", edits: []edit{
		{"processor/channels/stage.go", `	if q != before {
`, `	if q.head != before.head {
`},
	}},
}
