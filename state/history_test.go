package state

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// history drives a store through a random life, with a map beside it that knows what must be in it.
type history struct {
	*testing.T
	random *rand.Rand
	fs     *vfs.MemFS
	config Config
	store  *Store
	log    *fakeLog
	now    time.Time

	model   map[string]string // the transaction's view
	commits []moment          // what was committed, from an empty store on

	tookOver bool // another store began the history

	crashes, rewound, wiped, resumed, aborted, trims int
}

// moment is a state that the store may come back in after a crash.
type moment struct {
	position Position
	state    map[string]string
}

func newHistory(t *testing.T, seed uint64) *history {
	random := rand.New(rand.NewPCG(seed, 0))
	h := &history{
		T: t, random: random, fs: vfs.NewCrashableMem(), log: newFakeLog(random),
		now: time.Unix(0, 0), model: map[string]string{},
		commits: []moment{{Position{Input: -1}, map[string]string{}}},
	}
	h.config = testConfig(h.fs)
	h.config.FlushBytes = 1 << (9 + random.IntN(6))
	h.config.LogBytesMin = 1 << (4 + random.IntN(10))
	h.config.SweepShare = []float64{0.1, 0.5, 1}[random.IntN(3)]
	if random.IntN(2) == 0 {
		h.config.PartBytesMax = partBytesLeast + random.IntN(300)
	}
	h.store = openStore(t, h.config)
	return h
}

func (h *history) last() *moment { return &h.commits[len(h.commits)-1] }

func (h *history) key() []byte {
	if h.random.IntN(4) == 0 {
		return fmt.Appendf(nil, "due/%06d", len(h.commits)+h.random.IntN(5))
	}
	return fmt.Appendf(nil, "k%02d", h.random.IntN(60))
}

// decide is a random transaction, each read checked against the model.
func (h *history) decide() {
	for range h.random.IntN(12) {
		key := h.key()
		switch h.random.IntN(8) {
		case 0, 1, 2:
			value := bytes.Repeat([]byte{byte(h.random.IntN(256))}, h.random.IntN(1<<h.random.IntN(9)))
			h.store.Put(key, value)
			h.model[string(key)] = string(value)
		case 3:
			h.store.Delete(key)
			delete(h.model, string(key))
		case 4, 5, 6:
			value, ok, err := h.store.Get(key)
			require.NoError(h, err)
			want, wantOK := h.model[string(key)]
			require.Equal(h, wantOK, ok, "key %s", key)
			require.Equal(h, want, string(value), "key %s", key)
		default:
			h.scan()
		}
	}
}

// scan reads a range, and sometimes writes on the way.
func (h *history) scan() {
	from, to := h.key(), h.key()
	if h.random.IntN(4) == 0 {
		from = nil
	}
	if h.random.IntN(4) == 0 {
		to = nil
	}
	at := string(from)
	next := func() (key string, ok bool) {
		keys := slices.Sorted(maps.Keys(h.model))
		for _, key := range keys {
			if key >= at && (to == nil || key < string(to)) {
				return key, true
			}
		}
		return "", false
	}
	left := h.random.IntN(100)
	err := h.store.Scan(from, to, func(key, value []byte) bool {
		want, ok := next()
		require.True(h, ok, "key %s", key)
		require.Equal(h, want, string(key))
		require.Equal(h, h.model[want], string(value))
		at = want + "\x00"
		switch left--; h.random.IntN(6) {
		case 0:
			h.store.Delete(key)
			delete(h.model, want)
		case 1:
			other := h.key()
			h.store.Put(other, []byte("in a scan"))
			h.model[string(other)] = "in a scan"
		case 2:
			require.NoError(h, h.store.Scan(key, nil, func(_, _ []byte) bool { return h.random.IntN(3) > 0 }))
		}
		return left > 0
	})
	require.NoError(h, err)
	if left > 0 {
		key, ok := next()
		require.False(h, ok, "the scan from %s to %s missed %s", from, to, key)
	}
}

// transaction decides and ends, with all outcomes that there are.
func (h *history) transaction() {
	h.decide()
	if h.random.IntN(20) == 0 {
		h.drop() // before Prepare: a record that can't be decided
		return
	}
	input := h.store.Position().Input + Offset(h.random.IntN(5))
	extra := 0
	if h.random.IntN(5) == 0 {
		extra = h.random.IntN(1000)
	}
	parts, err := h.store.Prepare(input, h.last().position.StreamTimeMillis+int64(h.random.IntN(3)), extra)
	require.NoError(h, err)
	if h.random.IntN(4) == 0 {
		h.log.abort(parts[:h.random.IntN(len(parts)+1)])
		h.drop()
		h.aborted++
		return
	}
	after := h.store.prepared.after
	first, last := h.log.append(parts)
	h.commits = append(h.commits, moment{
		Position{Changelog: last + 1, Input: input, StreamTimeMillis: after.streamTime}, maps.Clone(h.model),
	})
	switch h.random.IntN(8) {
	case 0: // the outcome is unknown, and it turns out that it was committed
		h.store.Drop()
		h.rollForward()
	case 1: // the process dies before it hears that it was
		h.crash()
	default:
		require.NoError(h, h.store.Commit(first, last))
	}
	require.Equal(h, h.last().position, h.store.Position())
}

func (h *history) drop() {
	h.store.Drop()
	h.model = maps.Clone(h.last().state)
}

func (h *history) rollForward() {
	restore := h.log.restore(h, h.store)
	ok, reason := restore.Complete()
	require.True(h, ok, reason)
	require.Equal(h, h.last().position, h.store.Position())
}

// crash loses what wasn't synced, or any part of that. What comes back is a moment of the past.
func (h *history) crash() {
	h.crashes++
	// Its own numbers, for it draws them in the order of a map.
	survived := vfs.CrashCloneCfg{UnsyncedDataPercent: h.random.IntN(101), RNG: rand.New(rand.NewPCG(h.random.Uint64(), 0))}
	clone := h.fs.CrashClone(survived)
	h.store.Abandon()
	h.fs, h.config.FS = clone, clone
	h.store = openStore(h, h.config)

	at := h.store.Position()
	switch {
	case h.tookOver && at.Changelog == 0:
		h.wiped++ // nothing of the new store was on disk yet, and the log was trimmed for the old one
	case h.store.meta.completeAfter != complete:
		h.resumed++ // the crash came, or comes now, in the middle of starting again
	default:
		require.GreaterOrEqual(h, at.Changelog, h.log.start, "the log was trimmed beyond what was on disk")
	}
	if h.store.meta.completeAfter == complete {
		i := slices.IndexFunc(h.commits, func(m moment) bool { return m.position == at })
		require.GreaterOrEqual(h, i, 0, "the store came back at %+v, where it never was", at)
		requireSame(h, h.commits[i].state, contents(h, h.store))
		if i < len(h.commits)-1 {
			h.rewound++
		}
	}
	h.rollForward()
	h.model = maps.Clone(h.last().state)
}

// elsewhere restores the log into a new store, as another node would.
func (h *history) elsewhere() {
	fs := vfs.NewCrashableMem()
	c := h.config
	c.FS = fs
	fresh := openStore(h, c)
	restore := h.log.restore(h, fresh)
	ok, reason := restore.Complete()
	require.True(h, ok, reason)
	require.Equal(h, h.last().position, fresh.Position())
	requireSame(h, h.last().state, contents(h, fresh))
	require.Equal(h, h.store.meta, fresh.meta)
	if h.random.IntN(3) == 0 { // and takes over
		h.store.Abandon()
		h.store, h.fs, h.config = fresh, fs, c
		h.tookOver = true
		h.model = maps.Clone(h.last().state)
		return
	}
	fresh.Abandon()
}

func (h *history) step() {
	switch h.random.IntN(12) {
	case 0:
		h.crash()
	case 1:
		h.elsewhere()
	case 2:
		require.NoError(h, h.store.Close())
		h.store = openStore(h, h.config)
		require.Equal(h, h.last().position, h.store.Position(), "a close loses nothing")
	default:
		h.transaction()
	}
	h.now = h.now.Add(time.Duration(h.random.IntN(2000)) * time.Millisecond)
	h.store.MaybeFlush(h.now, false)
	if to, ok := h.store.TrimTo(); ok && h.random.IntN(3) > 0 {
		h.trims++
		h.log.trim(to)
		h.store.Trimmed(to)
	}
}

func TestHistories(t *testing.T) {
	total := history{}
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			h := newHistory(t, seed)
			for range 80 {
				h.step()
			}
			h.elsewhere()
			total.crashes += h.crashes
			total.rewound += h.rewound
			total.wiped += h.wiped
			total.resumed += h.resumed
			total.aborted += h.aborted
			total.trims += h.trims
		})
	}
	t.Logf("%d crashes, %d of them lost something, %d wiped, %d within a restore; %d transactions aborted, %d trims",
		total.crashes, total.rewound, total.wiped, total.resumed, total.aborted, total.trims)
	require.Positive(t, total.rewound)
	require.Positive(t, total.wiped)
	require.Positive(t, total.trims)
}
