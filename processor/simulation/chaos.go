package simulation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kerr"

	"holdfast/processor"
	"holdfast/topology/record"
)

// chaos decides the broker's faults by the seed.
func (s *Simulation) chaos() *Faults {
	skews := map[processor.TopicPartition]record.Millis{}
	return &Faults{
		Produce: func(*processor.Out) error {
			if s.permille(s.options.ProducePermille) {
				return s.fault("record refused", kerr.MessageTooLarge)
			}
			return nil
		},
		Begin: func() error {
			if s.permille(s.options.BeginPermille) {
				return s.fault("transaction not begun", errors.New("the member is about to join"))
			}
			return nil
		},
		Request: func() error {
			if s.percent(s.options.RequestPercent) {
				return s.fault("request without answer", fmt.Errorf("no answer: %w", processor.ErrUnreachable))
			}
			return nil
		},
		Settle: func() error {
			if s.percent(s.options.SettlePercent) {
				return s.fault("session lost", processor.ErrSessionLost)
			}
			return nil
		},
		Join: func() error {
			if s.percent(s.options.SettlePercent / 2) {
				return s.fault("join refused", kerr.CoordinatorNotAvailable)
			}
			return nil
		},
		End: func(bool) EndFault {
			if s.percent(s.options.EndPercent) {
				s.Stats.Unknown++
				f := EndFault(s.between(1, int(endFaults)-1))
				s.Faults["end of a transaction "+f.String()]++
				return f
			}
			return EndFine
		},
		Fence: func() record.Millis {
			if s.percent(s.options.FencePercent) {
				s.Faults["end of somebody's transaction late"]++
				return record.Millis(s.between(1, 8000))
			}
			return 0
		},
		Delay: func() record.Millis { return record.Millis(s.between(1, 3000)) },
		Tick: func() TickFault {
			if s.percent(s.options.TickPercent) {
				f := TickFault(s.between(int(TickLate), int(TickLost)))
				s.Faults[[...]string{TickLate: "tick late", TickLost: "tick lost"}[f]]++
				return f
			}
			return TickFine
		},
		Trim: func() (bool, error) {
			if s.percent(s.options.TrimPercent) {
				return s.percent(50), s.fault("deletion of records without answer", errors.New("no answer to DeleteRecords"))
			}
			return true, nil
		},
		Skew: func(tp processor.TopicPartition) record.Millis {
			if s.options.BrokerSkew == 0 {
				return skews[tp]
			}
			// Another broker leads: time may go back.
			if s.permille(5) {
				s.Faults["leader with another clock"]++
				skews[tp] = record.Millis(s.between(-s.options.BrokerSkew, s.options.BrokerSkew))
			}
			return skews[tp]
		},
		Pick:  func(n int) int { return s.random.IntN(n) },
		Eager: func() bool { return s.percent(s.options.EagerPercent) },
		Swap: func() bool {
			swaps := s.percent(s.options.SwapPercent)
			if swaps {
				s.Faults["partition given to another"]++
			}
			return swaps
		},
	}
}

// fault counts an error that is made.
func (s *Simulation) fault(kind string, err error) error {
	s.Faults[kind]++
	return err
}

// disturb lets one of the things happen that happen to processes and groups.
func (s *Simulation) disturb() {
	o := &s.options
	switch {
	case s.permille(o.CrashPermille):
		s.planAt(crashPoints(), false)
	case s.permille(o.FreezePermille):
		s.planAt(crashPoints(), true)
	case s.permille(o.FreezePermille):
		// Where it takes up partitions is where most can be missed.
		s.planAt([]string{"committed", "bounds", "read", "fetch"}, true)
	case s.permille(o.GonePermille):
		// With its transaction open, which others are to end: so it must look to
		// them as if it were gone for good, and be back soon.
		if s.plan.p == nil {
			s.planAt([]string{"end", "offsets request", "end request"}, s.percent(50))
			s.plan.gone = true
		}
	case s.permille(o.EvictPermille):
		s.evict()
	case s.permille(o.StopPermille):
		if p := s.anyProcess(); p != nil {
			s.tracef("%s is asked to stop", p)
			s.Stats.Stops++
			p.stopping = true
		}
	case s.permille(o.HurryPermille):
		if g := s.anyGroup(); g != nil {
			s.Faults["rebalance without the slow"]++
			g.hurry()
		}
	case s.permille(o.RebalancePermille):
		if g := s.anyGroup(); g != nil {
			s.tracef("group %s rebalances", g.name)
			g.prepare()
		}
	case s.permille(o.JumpPermille):
		d := time.Duration(s.between(1, 12)) * time.Second
		s.tracef("%v pass", d)
		s.Faults["time jumps"]++
		s.advance(d)
	}
	if s.plan.p != nil && (s.plan.p.dead || s.Stats.Rounds > s.plan.until) {
		s.plan = plan{}
	}
}

// anyGroup returns a group that has members, or nil.
func (s *Simulation) anyGroup() *group {
	if len(s.Broker.groupList) == 0 {
		return nil
	}
	return s.Broker.groupList[s.random.IntN(len(s.Broker.groupList))]
}

// anyProcess returns a process that runs, or nil.
func (s *Simulation) anyProcess() *process {
	var up []*process
	for _, p := range s.processes {
		if !p.dead && !p.frozen && !p.stopping {
			up = append(up, p)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[s.random.IntN(len(up))]
}

// crashPoints are the points at which a process may be told to end: those of
// the run time's loop, and the broker's requests.
func crashPoints() []string {
	return []string{
		"poll", "decide", "finish", "prepare", "produce", "flush", "end", "ended", "apply", "applied",
		"settle", "settled", "flushing", "tick", "trim",
		"join", "poll request", "produce request", "offsets request", "end request", "producer id request",
		"committed", "bounds", "read", "fetch", "delete records",
		"members", "standby applied",
	}
}

// planAt lets some process end or freeze at a point that it comes to soon.
func (s *Simulation) planAt(points []string, freeze bool) {
	if p := s.anyProcess(); p != nil && s.plan.p == nil {
		s.plan = plan{p: p, point: points[s.random.IntN(len(points))], n: s.between(1, 4), freeze: freeze, until: s.Stats.Rounds + 1500}
		s.tracef("%s will end or freeze at %q", p, s.plan.point)
	}
}

// planCrash lets a process that starts end at once.
func (s *Simulation) planCrash(p *process, points []string) {
	if s.plan.p == nil {
		s.plan = plan{p: p, point: points[s.random.IntN(len(points))], n: 1, until: s.Stats.Rounds + 1500}
	}
}

// visit counts the points that are reached, and lets happen what was planned.
func (s *Simulation) visit(p *process, point string) {
	s.Visited[point]++
	if s.plan.p != p || s.plan.point != point {
		return
	}
	if s.plan.n--; s.plan.n > 0 {
		return
	}
	freeze, gone := s.plan.freeze, s.plan.gone
	s.plan = plan{}
	if freeze {
		s.freeze(p)
	} else {
		s.tracef("crash at %q", point)
		s.Crashed[point]++
		s.Stats.Crashes++
		p.kill()
	}
	if gone {
		s.putOut(func(m *member) bool { return m.session.c.name == p.String() })
	}
}

// freeze stops a process for a while, as SIGSTOP or a machine that hangs does.
// Sometimes somebody starts the same instance on another machine meanwhile, with
// an empty disk or an old copy; one of the two must then be fenced.
func (s *Simulation) freeze(p *process) {
	s.Stats.Freezes++
	p.frozen = true
	p.until = s.now.Add(time.Duration(s.between(1, []int{100, 2000, 40_000}[s.random.IntN(3)])) * time.Millisecond)
	s.tracef("%s is frozen for %v", p, p.until.Sub(s.now))
	if s.random.IntN(3) > 0 {
		return
	}
	s.Stats.Twins++
	disk := vfs.NewCrashableMem()
	if s.random.IntN(2) == 0 {
		disk = p.disk.CrashClone(vfs.CrashCloneCfg{})
	}
	for _, m := range s.machines {
		if m.runs == p {
			m.runs, m.disk, m.startAt = nil, disk, s.now.Add(time.Duration(s.between(0, 5000))*time.Millisecond)
		}
	}
}

// evict lets the session of a process that isn't heard of time out early.
func (s *Simulation) evict() {
	s.putOut(func(m *member) bool { return !m.session.alive() && s.percent(50) })
}

func (s *Simulation) putOut(whom func(m *member) bool) {
	for _, g := range s.Broker.groupList {
		for _, m := range slices.Clone(g.members) {
			if whom(m) {
				s.Faults["member put out early"]++
				g.remove(m)
			}
		}
	}
}
