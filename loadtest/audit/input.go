package audit

import (
	"math/bits"
	"strconv"
	"strings"

	"holdfast/topology/record"
)

// taken is the first entry that a public record led to.
type taken struct {
	log    *partition // where the entry is; nil: there is none yet
	offset record.Offset
	key    uint64 // hash of the entry's kind and key
}

// takenToo names a further entry of a public record.
type takenToo struct {
	partition *partition // of the public record
	offset    record.Offset
	key       uint64
}

// trace notes that an internal entry names a public record as its origin. A
// record may lead to several entries, but not to the same one in two
// transactions: the stages would take the second for a repetition and nobody
// would see that intake isn't exactly once.
func (a *Audit) trace(at place, e *record.Entry) {
	p := a.inputOf(e.Origin.Topic, e.Origin.Partition)
	if p == nil || e.Origin.Offset < p.start {
		if p != nil {
			delete(p.waiting, e.Origin.Offset)
		}
		return
	}
	p.traced.set(e.Origin.Offset - p.start)
	i := int(e.Origin.Offset - p.start)
	for len(p.taken) <= i {
		p.taken = append(p.taken, taken{})
	}
	is := taken{at.p, at.offset, entryKey(e)}
	before := p.taken[i]
	switch {
	case before.log == nil:
		p.taken[i] = is
		return
	case before.key != is.key:
		k := takenToo{p, e.Origin.Offset, is.key}
		var known bool
		if before, known = a.taken[k]; !known {
			a.taken[k] = is
			return
		}
	}
	if before != is {
		a.found.add(RuleDecidedTwice, string(e.Key), "intake took "+(place{p, e.Origin.Offset}).String()+" twice", place{before.log, before.offset}, at)
	}
}

// entryKey is FNV-1a over an entry's kind and key.
func entryKey(e *record.Entry) uint64 {
	h := uint64(14695981039346656037) ^ uint64(e.Kind)
	for _, b := range e.Key {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// deadLetter notes the public record that a dead letter names in its headers.
func (a *Audit) deadLetter(r *Record) {
	var topic, number, offset string
	for _, h := range r.Headers {
		switch h.Key {
		case record.HeaderErrorTopic:
			topic = string(h.Value)
		case record.HeaderErrorPartition:
			number = string(h.Value)
		case record.HeaderErrorOffset:
			offset = string(h.Value)
		}
	}
	n, err1 := strconv.ParseInt(number, 10, 32)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	if err1 != nil || err2 != nil {
		return // somebody else's record
	}
	switch p := a.inputOf(topic, record.Partition(n)); {
	case p == nil:
	case record.Offset(o) >= p.start:
		p.traced.set(record.Offset(o) - p.start)
		p.dead.set(record.Offset(o) - p.start)
	case p.resumed:
		if p.deadSince == nil {
			p.deadSince = map[record.Offset]bool{}
		}
		p.deadSince[record.Offset(o)] = true
		delete(p.waiting, record.Offset(o))
	}
}

// inputOf returns the input partition of that name, or nil when it isn't an input.
func (a *Audit) inputOf(topic string, number record.Partition) *partition {
	topic = strings.TrimPrefix(topic, a.prefix)
	if topic == "" {
		return nil
	}
	if p := a.partition(topic, number); p.role == roleInput {
		return p
	}
	return nil
}

// judgeInputs holds every public record against the internal entries and dead
// letters that name it.
func (a *Audit) judgeInputs() {
	for _, p := range a.partitions {
		if p.role != roleInput || !p.bounded && p.records == 0 {
			continue
		}
		for offset := range p.waiting {
			a.judgeInput(place{p, offset}, true)
		}
		for word := range max(len(p.present), len(p.traced)) {
			if a.trim && word < len(p.appended) && p.appended[word] < a.vouches+trimSlack {
				continue // its entries may be trimmed
			}
			var present, traced uint64
			if word < len(p.present) {
				present = p.present[word]
			}
			if word < len(p.traced) {
				traced = p.traced[word]
			}
			for odd := present ^ traced; odd != 0; odd &= odd - 1 {
				bit := bits.TrailingZeros64(odd)
				a.judgeInput(place{p, p.start + record.Offset(word<<6+bit)}, present&(1<<bit) != 0)
			}
		}
	}
}

func (a *Audit) judgeInput(at place, present bool) {
	switch {
	case !present:
		a.found.add(RuleInputLost, at.String(), "an internal log names this record, and it isn't there", at)
	case at.consumed():
		a.found.add(RuleInputLost, at.String(), "consumed by intake; no internal log and no dead letter names it", at)
	default:
		a.inFlight++
	}
}
