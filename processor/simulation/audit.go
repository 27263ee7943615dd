package simulation

import (
	"encoding/json"

	"holdfast/loadtest/audit"
	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// Audit lets the auditor judge what is on the logs, as it does after a sale. It
// has a model of its own, so it finds what the stages get wrong, which Judge,
// that uses the stages, can't see.
func (s *Simulation) Audit() {
	if s.failed() {
		return
	}
	cut := audit.Cut{
		Committed: map[audit.TopicPartition]record.Offset{},
		Ends:      map[audit.TopicPartition]record.Offset{},
		Starts:    map[audit.TopicPartition]record.Offset{},
	}
	for _, g := range s.Broker.groupList {
		for _, tp := range g.partitions() {
			if o, ok := g.offsets[tp]; ok {
				cut.Committed[audit.TopicPartition{Topic: s.Broker.log(tp).short, Partition: tp.Partition}] = o
			}
		}
	}
	for _, l := range s.Broker.order {
		tp := audit.TopicPartition{Topic: l.short, Partition: l.tp.Partition}
		cut.Ends[tp], cut.Starts[tp] = l.end(), l.start
	}
	a := audit.New(audit.Config{AppID: s.Topology.AppID, Settled: true, Channels: []string{"shopee", "web"},
		MarketplaceHold: 6_000, LateMax: s.lateMax(), DueChunk: dueChunk}, cut)
	for _, l := range s.Broker.order {
		if t := s.Topology.Lookup(l.short); t.Role == topology.RoleChangelog || t.Role == topology.RoleSlots {
			continue
		}
		for o := l.firstVisible(0, l.end()); o < l.end(); o = l.firstVisible(o+1, l.end()) {
			e := &l.entries[o]
			r := audit.Record{Topic: l.short, Partition: l.tp.Partition, Offset: o, At: e.at, Key: e.key, Value: e.value}
			for _, h := range e.headers {
				r.Headers = append(r.Headers, audit.Header(h))
			}
			if err := a.Add(r); err != nil {
				s.fail(RuleAudit, "%v", err)
				return
			}
		}
	}
	report := a.Report()
	s.Report = &report
	if report.Verdict != audit.Pass {
		text, _ := json.MarshalIndent(report, "", " ")
		rule := RuleAudit
		if len(report.Violations) > 0 {
			rule = Rule(report.Violations[0].Rule)
		}
		s.fail(rule, "the audit's report: %s", text)
	}
}

// lateMax is how late an expiry may be: chunks of two, and faults in between,
// take their time. Where the orders stage consumed nothing of a partition for
// longer, be it that every process ended again and again, the auditor sees that
// only in what the first transaction after it decides; what that one leaves over
// bears the time of a tick of today. If it stands still again right after that
// one, what was left over waits for that as well.
func (s *Simulation) lateMax() record.Millis {
	const usual, chunks = 60_000, 10_000
	orders := s.Topology.Name(topology.LogOrders)
	type still struct{ last, sum record.Millis }
	stood := map[processor.TopicPartition]still{}
	longest := record.Millis(0)
	for _, t := range s.Broker.committed {
		for _, c := range t.offsets {
			if c.tp.Topic != orders {
				continue
			}
			p := stood[c.tp]
			if gap := t.ended - max(p.last, epochMillis); gap > chunks {
				p.sum += gap
			} else {
				p.sum = 0
			}
			p.last = t.ended
			stood[c.tp] = p
			longest = max(longest, p.sum)
		}
	}
	return max(usual, longest+chunks)
}
