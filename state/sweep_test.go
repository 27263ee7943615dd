package state

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// sweepRig runs a workload on a store whose log is trimmed as soon as it may be, and checks the log's length at each
// commit.
type sweepRig struct {
	*testing.T
	store *Store
	log   *fakeLog
	model map[string]string
	input Offset

	// What the bound is made of: the largest state and delta of each round, by round.
	stateMax, deltaMax map[int64]int64
	repeated           map[string]bool // in the running round
	rounds, longest    int64           // rounds seen, and the longest log against its bound in percent
}

func newSweepRig(t *testing.T, share float64, logBytesMin int64) *sweepRig {
	c := testConfig(vfs.NewMem())
	c.SweepShare = share
	c.LogBytesMin = logBytesMin
	return &sweepRig{
		T: t, store: openStore(t, c), log: newFakeLog(nil), model: map[string]string{},
		stateMax: map[int64]int64{}, deltaMax: map[int64]int64{}, repeated: map[string]bool{},
	}
}

func (r *sweepRig) put(key, value string) {
	r.store.Put([]byte(key), []byte(value))
	r.model[key] = value
}

func (r *sweepRig) delete(key string) {
	r.store.Delete([]byte(key))
	delete(r.model, key)
}

func (r *sweepRig) stateBytes() (n int64) {
	for key, value := range r.model {
		n += entryBytes([]byte(key), []byte(value))
	}
	return n
}

func (r *sweepRig) commit(extra int) {
	r.Helper()
	before := r.store.Log().TotalBytes
	r.note(r.store.Log().Round)
	r.input++
	parts, err := r.store.Prepare(r.input, int64(r.input), extra)
	require.NoError(r, err)
	r.swept(parts)
	require.NoError(r, r.store.Commit(r.log.append(parts)))
	if sweep := r.store.meta.state.sweep; sweep.over {
		require.LessOrEqual(r, sweep.credit, int64(0), "nothing is left over for the next round")
	}
	r.log.trim(r.store.meta.redundantBelow()) // TrimTo is that, as far as it is flushed
	log := r.store.Log()
	require.Equal(r, r.log.bytes(), log.Bytes, "the store knows the log's length")
	r.rounds = log.Round
	r.note(log.Round)
	r.deltaMax[log.Round] = max(r.deltaMax[log.Round], log.TotalBytes-before)

	bound := r.bound(log.Round)
	require.LessOrEqual(r, log.Bytes, bound, "round %d, state %d", log.Round, r.stateBytes())
	r.longest = max(r.longest, 100*log.Bytes/bound)
}

// swept checks what the sweep added to a delta: keys as they are, none that the transaction wrote, none twice in a round.
func (r *sweepRig) swept(parts [][]byte) {
	r.Helper()
	require.Len(r, parts, 1)
	h, body, err := decodeHeader(parts[0])
	require.NoError(r, err)
	d, err := decodeDelta(&h, sharedHeader(parts[0]), body)
	require.NoError(r, err)
	if h.state.sweep.start == startsHere {
		clear(r.repeated)
	}
	writes := entries(r.T, d.writes)
	for _, entry := range entries(r.T, d.swept) {
		key, value, _ := strings.Cut(entry, "=")
		require.Equal(r, r.model[key], value)
		require.False(r, r.repeated[key], "%s was repeated in this round", key)
		r.repeated[key] = true
		for _, write := range writes {
			require.False(r, strings.HasPrefix(write, key+"=") || write == "-"+key, "%s was written by the same transaction", key)
		}
	}
}

// note remembers the state's size for a round; the state before a round's first delta is part of what it has to repeat.
func (r *sweepRig) note(round int64) {
	r.stateMax[round] = max(r.stateMax[round], r.stateBytes())
}

// bound is 2·S·(1+1/f), and what can't be had in halves: a delta at each end of a round, and the least length of a round.
func (r *sweepRig) bound(round int64) int64 {
	stateMax := max(r.stateMax[round], r.stateMax[round-1], r.stateMax[round-2])
	deltaMax := max(r.deltaMax[round], r.deltaMax[round-1])
	return int64(2*float64(stateMax)*(1+1/r.store.cfg.SweepShare)) + 3*deltaMax + r.store.cfg.LogBytesMin/2
}

// restored checks that the log alone gives the state.
func (r *sweepRig) restored() {
	r.Helper()
	fresh := openStore(r, testConfig(vfs.NewMem()))
	restore := r.log.restore(r, fresh)
	ok, reason := restore.Complete()
	require.True(r, ok, reason)
	require.Equal(r, r.store.Position(), fresh.Position())
	requireSame(r, r.model, contents(r, fresh))
	fresh.Abandon()
}

// workload writes one transaction.
type workload func(r *sweepRig, random *rand.Rand, step int)

func value(random *rand.Rand) string {
	return fmt.Sprintf("%0*d", 1+random.IntN(60), random.IntN(1000))
}

var workloads = map[string]workload{
	"any keys": func(r *sweepRig, random *rand.Rand, step int) {
		for range random.IntN(8) {
			if key := fmt.Sprintf("k%03d", random.IntN(300)); random.IntN(3) == 0 {
				r.delete(key)
			} else {
				r.put(key, value(random))
			}
		}
	},
	"a few hot keys over a cold state": func(r *sweepRig, random *rand.Rand, step int) {
		if step == 0 {
			for i := range 300 {
				r.put(fmt.Sprintf("k%03d", i), value(random))
			}
		}
		for range 4 {
			r.put(fmt.Sprintf("k%03d", random.IntN(5)), value(random))
		}
	},
	"everything is hot": func(r *sweepRig, random *rand.Rand, step int) {
		for i := range 40 {
			r.put(fmt.Sprintf("k%03d", i), value(random))
		}
	},
	"keys grow at the end": func(r *sweepRig, random *rand.Rand, step int) { growing(r, random, step, "z") },
	"keys grow in the middle, as fast as old ones go": func(r *sweepRig, random *rand.Rand, step int) {
		if step == 0 {
			for i := range 50 {
				r.put(fmt.Sprintf("a%03d", i), value(random))
				r.put(fmt.Sprintf("z%03d", i), value(random))
			}
		}
		growing(r, random, step, "m")
	},
	"keys appear right ahead of the cursor": func(r *sweepRig, random *rand.Rand, step int) {
		if step == 0 {
			for i := range 100 {
				r.put(fmt.Sprintf("k%03d", i), value(random))
			}
		}
		cursor := string(r.store.meta.state.sweep.cursor)
		if cursor == "" || len(cursor) > 40 {
			cursor = fmt.Sprintf("k%03d", random.IntN(100))
		}
		for i := range 3 {
			r.put(fmt.Sprintf("%s!%d", cursor, i), value(random))
		}
		for key := range r.model {
			if len(r.model) > 150 && key < cursor {
				r.delete(key)
			}
		}
	},
	"the state comes and goes": func(r *sweepRig, random *rand.Rand, step int) {
		for i := range 20 {
			if key := fmt.Sprintf("k%05d", (step*20+i)%6000); step/150%2 == 0 {
				r.put(key, value(random))
			} else {
				r.delete(key)
			}
		}
	},
	"nothing is written": func(r *sweepRig, random *rand.Rand, step int) {
		if step == 0 {
			for i := range 50 {
				r.put(fmt.Sprintf("k%03d", i), value(random))
			}
		}
	},
	"values of all sizes": func(r *sweepRig, random *rand.Rand, step int) {
		r.put(fmt.Sprintf("k%02d", random.IntN(40)), string(make([]byte, random.IntN(1<<random.IntN(13)))))
	},
}

// growing writes keys with rising numbers and deletes those of 200 steps ago.
func growing(r *sweepRig, random *rand.Rand, step int, prefix string) {
	for i := range 5 {
		r.put(fmt.Sprintf("%s%08d", prefix, step*5+i), value(random))
		if step >= 200 {
			r.delete(fmt.Sprintf("%s%08d", prefix, (step-200)*5+i))
		}
	}
}

func TestSweepKeepsTheLogShort(t *testing.T) {
	for name, work := range workloads {
		for _, share := range []float64{0.1, 0.5, 1} {
			t.Run(fmt.Sprintf("%s/%g", name, share), func(t *testing.T) {
				const seed = 7
				random := rand.New(rand.NewPCG(seed, 0))
				r := newSweepRig(t, share, 64)
				for step := range 1200 {
					work(r, random, step)
					r.commit(0)
					if step%250 == 249 {
						r.restored()
					}
				}
				r.restored()
				t.Logf("%d rounds, the log came up to %d %% of its bound", r.rounds, r.longest)
				require.Greater(t, r.rounds, int64(1))
			})
		}
	}
}

// A transaction that was dropped, done again, makes the same delta: nothing of it was left, the sweep's step included.
func TestSweepIsTakenBackByDrop(t *testing.T) {
	r := newSweepRig(t, 0.5, 64)
	for step := range 400 {
		prepare := func() (delta []byte) {
			workloads["any keys"](r, rand.New(rand.NewPCG(3, uint64(step))), step)
			r.input++
			parts, err := r.store.Prepare(r.input, int64(r.input), step%3*100)
			require.NoError(t, err)
			require.Len(t, parts, 1)
			return parts[0]
		}
		before, model := r.store.meta, maps.Clone(r.model)
		dropped := bytes.Clone(prepare())
		r.store.Drop()
		require.Equal(t, before, r.store.meta)
		requireSame(t, model, contents(t, r.store))
		r.model = model
		r.input--
		r.log.abort(make([][]byte, 1))

		again := prepare()
		require.Equal(t, dropped, again)
		require.NoError(t, r.store.Commit(r.log.append([][]byte{again})))
		r.log.trim(r.store.meta.redundantBelow())
	}
	r.restored()
}

func TestIdleSweepComesToAnEnd(t *testing.T) {
	for _, keys := range []int{0, 1, 10, 3000} {
		t.Run(fmt.Sprint(keys), func(t *testing.T) {
			r := newSweepRig(t, 0.5, 4096)
			random := rand.New(rand.NewPCG(2, 0))
			for range 60 {
				for range keys / 10 {
					r.put(fmt.Sprintf("k%04d", random.IntN(keys)), value(random))
				}
				r.commit(0)
			}
			state := r.stateBytes()
			ticks := int64(0)
			for ; r.store.WantsSweep(); ticks++ {
				r.commit(1)
				require.Less(t, ticks, 100+10*state/256, "it goes on for ever")
			}
			require.LessOrEqual(t, r.log.bytes(), 2*state+4096)
			r.restored()
		})
	}
}
