package audit

import "holdfast/topology/record"

// A stage that stood still, be it that no node ran, isn't late with what was due
// meanwhile. Its first transaction after that decides at the log's time of then,
// which shows in when its events were written; what one chunk leaves over bears
// the time of a tick of today, and alone looks late:
//
//	log time    due ─ T ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ tick
//	by the clock      stands still ─────────┤ at T ─ chunks ─ at the tick
//
// So lateness counts from when the stage is known to have been behind, and what
// piled up while it stood still may take it a part of that time.

// standstill: by the clock it was until, and the stage had come to at.
type standstill struct{ at, until record.Millis }

// pileUpPart: what piled up in some time is worked off in that part of it.
const pileUpPart = 10

// stoodStill notes that a decision of log time at was written at a later time.
// Such that lie close together count as one.
func (p *partition) stoodStill(at, written record.Millis) {
	if n := len(p.standstills); n > 0 {
		if last := &p.standstills[n-1]; at >= last.at && at-last.at < momentMax {
			last.until = max(last.until, written)
			return
		}
	}
	p.standstills = append(p.standstills, standstill{at, written})
}

// behind tells that the stage stood still for so much of the time between from
// and now that what it did then isn't late.
func (p *partition) behind(from, now, lateMax record.Millis) bool {
	for _, s := range p.standstills {
		if s.at < now && s.until > from && now-s.until <= lateMax+(s.until-s.at)/pileUpPart {
			return true
		}
	}
	return false
}
