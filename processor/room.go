package processor

// heedRoom has partitions with state wait while there is no room on the disk: what
// they would decide would have to be written, and a store that can't be written
// can't go on. They are placed anew, as after any doubt, and taken up when there is
// room. What is open was committed before. Intake goes on: it writes to the log
// alone.
//
//	no room   … commit ─ pause, place anew ─ (restored, not taken up) ───┐
//	room again                                                           └─ take up, resume
func (w *worker) heedRoom() {
	if w.cfg.Room == nil {
		return
	}
	err := w.cfg.Room()
	if (err != nil) == w.cramped {
		return
	}
	w.cramped = err != nil
	if w.cramped {
		w.log.Error("partitions wait for room", "err", err)
	} else {
		w.log.Info("there is room again")
	}
	for _, t := range w.order {
		if !t.hasState() || t.phase == phaseHalted {
			continue
		}
		t.reason = ""
		if w.cramped {
			t.reason = err.Error()
		}
		if t.phase == phaseRunning && w.cramped {
			w.restore(t)
		}
		w.status.set(w.stage.Name, t)
	}
}
