package topology

import (
	"errors"
	"fmt"
)

// topicNameBytesMax is the broker's limit for a topic's name.
const topicNameBytesMax = 249

// Validate returns all that is wrong with the topology, joined, or nil. What
// New returns is valid; what comes from elsewhere is checked the same way.
func (t *Topology) Validate() error {
	v := &validation{topics: map[string]*Topic{}, readers: map[string]string{}, writers: map[string]bool{}, changelogs: map[string]string{}}
	for i := range t.Topics {
		v.topic(t, &t.Topics[i])
	}
	names := map[string]bool{}
	for i := range t.Stages {
		s := &t.Stages[i]
		v.check(!names[s.Name], "stage %s: there are two of that name", s.Name)
		names[s.Name] = true
		v.stage(t, s)
	}
	for i := range t.Topics {
		v.links(&t.Topics[i])
	}
	return errors.Join(v.errs...)
}

type validation struct {
	errs       []error
	topics     map[string]*Topic
	readers    map[string]string // topic -> stage
	writers    map[string]bool
	changelogs map[string]string // topic -> stage
}

func (v *validation) check(ok bool, format string, args ...any) {
	if !ok {
		v.errs = append(v.errs, fmt.Errorf(format, args...))
	}
}

func (v *validation) topic(t *Topology, p *Topic) {
	v.check(v.topics[p.Short] == nil, "topic %s: there are two of that name", p.Short)
	v.topics[p.Short] = p
	v.check(p.Name == t.Name(p.Short), "topic %s: named %q, must be %q", p.Short, p.Name, t.Name(p.Short))
	v.check(len(p.Name) <= topicNameBytesMax, "topic %s: its name has more than %d bytes", p.Short, topicNameBytesMax)
	v.check(p.Partitions >= 1, "topic %s: %d partitions", p.Short, p.Partitions)
	switch p.Role {
	case RoleLog:
		v.check(p.Partitions <= Slots, "log %s: %d partitions, more than the %d slots", p.Short, p.Partitions, Slots)
		v.setting(p, "message.timestamp.type", "LogAppendTime")
		v.kept(p)
	case RoleChangelog:
		v.kept(p)
	case RoleTable:
		v.check(p.Partitions == 1, "table %s: %d partitions, must be 1", p.Short, p.Partitions)
		v.setting(p, "cleanup.policy", "compact")
	case RoleSlots:
		v.setting(p, "cleanup.policy", "compact")
	case RoleDLQDone:
		v.check(p.Partitions == 1, "topic %s: %d partitions, must be 1", p.Short, p.Partitions)
		v.setting(p, "cleanup.policy", "compact")
	case RolePublicIn, RolePublicOut, RoleDLQ:
	default:
		v.check(false, "topic %s: unknown role %q", p.Short, p.Role)
	}
}

// kept checks that the broker deletes nothing by itself.
func (v *validation) kept(p *Topic) {
	v.setting(p, "cleanup.policy", "delete")
	v.setting(p, "retention.ms", "-1")
	v.setting(p, "retention.bytes", "-1")
}

func (v *validation) setting(p *Topic, name, want string) {
	v.check(p.Configs[name] == want, "%s %s: %s is %q, must be %q", p.Role, p.Short, name, p.Configs[name], want)
}

func (v *validation) stage(t *Topology, s *Stage) {
	v.check(s.Group == t.Group(s.Name), "stage %s: group %q, must be %q", s.Name, s.Group, t.Group(s.Name))
	v.check(len(s.Inputs) > 0, "stage %s: reads nothing", s.Name)
	for _, in := range s.Inputs {
		v.reads(s, in)
	}
	for _, out := range s.Sends {
		v.writes(s, out, "sends to", RoleLog)
	}
	for _, out := range s.Publishes {
		v.writes(s, out, "publishes to", RolePublicOut, RoleDLQ)
	}
	if s.Log == "" {
		v.check(s.Changelog == "", "stage %s: has a changelog and no log", s.Name)
		return
	}
	v.check(len(s.Inputs) == 1 && s.Inputs[0] == s.Log, "stage %s: owns log %s, so it must read that and nothing else", s.Name, s.Log)
	v.state(s)
}

func (v *validation) reads(s *Stage, in string) {
	p := v.topics[in]
	v.check(p != nil, "stage %s: reads unknown topic %s", s.Name, in)
	if other := v.readers[in]; other != "" {
		v.check(false, "topic %s: read by two stages, %s and %s", in, other, s.Name)
	}
	v.readers[in] = s.Name
	if p == nil {
		return
	}
	switch p.Role {
	case RoleLog:
		v.check(s.Log == in, "stage %s: reads log %s without owning it", s.Name, in)
	case RolePublicIn, RoleTable:
	default:
		v.check(false, "stage %s: reads %s, a topic of role %s", s.Name, in, p.Role)
	}
}

func (v *validation) writes(s *Stage, out, how string, roles ...Role) {
	v.writers[out] = true
	p := v.topics[out]
	if p == nil {
		v.check(false, "stage %s: %s unknown topic %s", s.Name, how, out)
		return
	}
	for _, r := range roles {
		if p.Role == r {
			return
		}
	}
	v.check(false, "stage %s: %s %s, a topic of role %s", s.Name, how, out, p.Role)
}

// state checks a stage's changelog: a task is one partition of both.
func (v *validation) state(s *Stage) {
	p := v.topics[s.Changelog]
	if p == nil || p.Role != RoleChangelog {
		v.check(false, "stage %s: its changelog %q isn't one", s.Name, s.Changelog)
		return
	}
	if other := v.changelogs[s.Changelog]; other != "" {
		v.check(false, "changelog %s: used by two stages, %s and %s", s.Changelog, other, s.Name)
	}
	v.changelogs[s.Changelog] = s.Name
	if log := v.topics[s.Log]; log != nil {
		v.check(log.Partitions == p.Partitions, "stage %s: log %s has %d partitions, changelog %s has %d",
			s.Name, s.Log, log.Partitions, s.Changelog, p.Partitions)
	}
}

// links checks that what exists is used.
func (v *validation) links(p *Topic) {
	switch p.Role {
	case RoleLog:
		v.check(v.readers[p.Short] != "", "log %s: read by no stage", p.Short)
		v.check(v.writers[p.Short], "log %s: written by no stage", p.Short)
	case RolePublicIn, RoleTable:
		v.check(v.readers[p.Short] != "", "topic %s: read by no stage", p.Short)
	case RolePublicOut, RoleDLQ:
		v.check(v.writers[p.Short], "topic %s: written by no stage", p.Short)
	case RoleChangelog:
		v.check(v.changelogs[p.Short] != "", "changelog %s: belongs to no stage", p.Short)
	case RoleSlots, RoleDLQDone:
	}
}
