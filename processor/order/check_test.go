package order

import (
	"errors"
	"fmt"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/processor/stage"
	"holdfast/processor/stage/stagetest"
)

// checkState tells what isn't as it must be after every transaction.
func checkState(task *stagetest.Task) error {
	var err error
	v := NewVerifier()
	task.Scan([]byte{1}, nil, func(key, value []byte) bool {
		v.Verify(task, key, value, func(f stage.Finding) { err = errors.Join(err, errors.New(f.String())) })
		return true
	})
	return err
}

// TestVerifierFindsDamage: whatever row of a sound state is lost or garbled is
// found, but for what says nothing that could be told from other rows.
func TestVerifierFindsDamage(t *testing.T) {
	w := newWorld(t, rand.New(rand.NewSource(11)))
	state := w.task.State
	met := map[byte]bool{}
	all := func() bool {
		clear(met)
		for key := range state {
			met[key[0]] = true
		}
		for _, kind := range []byte{keyOrder, keyInbox, keyTimer, keyNextDue, keyWarehouse} {
			if !met[kind] {
				return false
			}
		}
		return true
	}
	for step := 0; step < 600 || step < 5000 && !all(); step++ {
		w.step(step)
	}
	require.NoError(t, checkState(w.task))
	missed := map[string]bool{}
	for key, value := range state {
		delete(state, key)
		if checkState(w.task) == nil {
			missed[string(key[0])+" lost"] = true
		}
		state[key] = append([]byte{0xc1}, value...)
		if checkState(w.task) == nil {
			missed[string(key[0])+" garbled"] = true
		}
		state[key] = value
	}
	for what := range missed {
		// Tables stand for themselves, an order without timers is only its own
		// row, and a timer holds nothing but its key.
		require.Contains(t, []string{"o lost", "W lost", "w lost", "C lost", "c lost", "h lost", "t garbled"}, what)
	}
	state["?"] = nil
	require.ErrorContains(t, checkState(w.task), `unknown_key at key "?"`)
}

// TestCheckFindsWhatCannotBe breaks one thing at a time.
func TestCheckFindsWhatCannotBe(t *testing.T) {
	whole := func() *turn {
		o := &Order{Phase: PhaseLive, Hard: true, Seq: 3, Attempt: 1, Lines: []Line{{
			ID: "1", Qty: 5, PerSet: 1,
			Parts: []Part{{UnitAllocated, 3, "HCM-1"}, {UnitWaiting, 1, ""}, {UnitShipped, 1, "HN-1"}},
		}}}
		return &turn{key: "web/main/1", o: o, changed: true, was: before{PhaseLive, 2, 1, 1}, told: []told{{}, {channel: true}}}
	}
	require.NotPanics(t, func() { whole().check() })
	require.NotPanics(t, func() { (&turn{changed: true}).check() })
	parts := func(t *turn) []Part { return t.o.Lines[0].Parts }
	for name, c := range map[string]struct {
		breaks func(*turn)
		want   string
	}{
		"too many units":         {func(t *turn) { parts(t)[0].Qty++ }, `line "1" has 6 units in states, of 5`},
		"too few units":          {func(t *turn) { parts(t)[0].Qty-- }, `line "1" has 4 units in states, of 5`},
		"no unit":                {func(t *turn) { parts(t)[0].Qty = 0 }, `line "1" has {State:2 Qty:0 Warehouse:HCM-1}`},
		"claimed nowhere":        {func(t *turn) { parts(t)[0].Warehouse = "" }, `line "1" has {State:2`},
		"waits somewhere":        {func(t *turn) { parts(t)[1].Warehouse = "HN-1" }, `line "1" has {State:4`},
		"held though hard":       {func(t *turn) { parts(t)[0].State = UnitHeld }, "units in states that don't fit the phase"},
		"hard though held":       {func(t *turn) { t.o.Hard = false }, "units in states that don't fit the phase"},
		"claims after its end":   {func(t *turn) { t.o.Phase = PhaseExpired }, "units in states that don't fit the phase"},
		"decided with deadline":  {func(t *turn) { t.o.DecideBy = 9 }, "times don't fit the phase"},
		"open and to be dropped": {func(t *turn) { t.o.DropAt = 9 }, "times don't fit the phase"},
		"closed for ever":        {func(t *turn) { t.o.Lines = nil }, "times don't fit the phase"},
		"events still wait":      {func(t *turn) { t.o.HasInbox = true }, "inbox true"},
		"never told":             {func(t *turn) { t.told = nil }, "seq 3 after 2 and 0 events"},
		"told twice":             {func(t *turn) { t.o.Seq++ }, "seq 4 after 2 and 1 events"},
		"attempt goes back":      {func(t *turn) { t.was.attempt = 2 }, "attempt 1 after 2"},
		"shipped, and here":      {func(t *turn) { t.was.gone = 2 }, "1 units have left the building, 2 had before"},
		"a phase that isn't":     {func(t *turn) { t.o.Phase = 6 }, "phase 6"},
		"rejected after a yes": {func(t *turn) {
			t.o.Phase, t.o.DropAt, t.o.Lines = PhaseRejected, 9, nil
		}, "phase 3 after phase 2"},
		"expired after a cancel": {func(t *turn) {
			t.o.Phase, t.o.DropAt, t.o.Lines, t.was.phase, t.was.gone = PhaseExpired, 9, nil, PhaseCancelled, 0
		}, "phase 4 after phase 5"},
	} {
		broken := whole()
		c.breaks(broken)
		func() {
			defer func() { require.Contains(t, fmt.Sprint(recover()), c.want, name) }()
			broken.check()
		}()
	}
}
