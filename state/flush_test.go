package state

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// survivingTail crashes the store as it is and tells how many bytes of deltas what comes back has to replay.
func survivingTail(t *testing.T, fs *vfs.MemFS, s *Store, c Config) int64 {
	t.Helper()
	c.FS = fs.CrashClone(vfs.CrashCloneCfg{})
	back := openStore(t, c)
	defer back.Abandon()
	return s.Log().TotalBytes - back.Log().TotalBytes
}

// After MaybeFlush, never more than the bound in bytes waits for the disk, also when flushes run in the background.
func TestFlushBoundInBytes(t *testing.T) {
	for _, sync := range []bool{true, false} {
		t.Run(fmt.Sprint("sync ", sync), func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			c := testConfig(fs)
			c.SyncFlush = sync
			c.FlushBytes = 64 << 10
			s, log := openStore(t, c), newFakeLog(nil)
			random := rand.New(rand.NewPCG(6, 0))
			now := time.Unix(0, 0)
			flushes := 0
			for input := range Offset(400) {
				s.Put(fmt.Appendf(nil, "k%03d", random.IntN(100)), make([]byte, random.IntN(3000)))
				commit(t, s, log, input, 0)
				if s.MaybeFlush(now, input%3 == 0) {
					flushes++
				}
				require.Less(t, survivingTail(t, fs, s, c), c.FlushBytes)
				if to, ok := s.TrimTo(); ok {
					log.trim(to)
					s.Trimmed(to)
				}
				if input%50 == 0 {
					back := c
					back.FS = fs.CrashClone(vfs.CrashCloneCfg{})
					store := openStore(t, back)
					require.GreaterOrEqual(t, store.Position().Changelog, log.start)
					store.Abandon()
				}
			}
			require.Greater(t, flushes, 5)
			require.Positive(t, log.start, "the log was trimmed on the way")
		})
	}
}

func TestFlushBoundInTime(t *testing.T) {
	fs := vfs.NewCrashableMem()
	c := testConfig(fs)
	c.FlushEvery = 10 * time.Second
	s, log := openStore(t, c), newFakeLog(nil)
	start := time.Unix(1000, 0)
	require.False(t, s.MaybeFlush(start, false), "nothing to flush")
	s.Put([]byte("a"), []byte("1"))
	commit(t, s, log, 1, 0)
	require.False(t, s.MaybeFlush(start, false))
	require.False(t, s.MaybeFlush(start.Add(4999*time.Millisecond), false))
	require.Positive(t, survivingTail(t, fs, s, c))
	require.False(t, s.MaybeFlush(start.Add(5*time.Second), true), "it may be put off")
	require.True(t, s.MaybeFlush(start.Add(5*time.Second), false))
	require.Zero(t, survivingTail(t, fs, s, c))
	require.False(t, s.MaybeFlush(start.Add(time.Hour), false), "nothing new")
}

// While the disk is slow, a store that was told to flush long ago waits for it, rather than let the tail grow.
func TestFlushBoundInTimeWaitsForTheDisk(t *testing.T) {
	begun, slow := make(chan struct{}), make(chan struct{})
	var once sync.Once
	mem := vfs.NewCrashableMem()
	c := testConfig(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
			once.Do(func() { close(begun) })
			<-slow
		}
		return nil
	})))
	c.SyncFlush = false
	c.FlushEvery = 10 * time.Second
	s, log := openStore(t, c), newFakeLog(nil)
	start := time.Unix(1000, 0)
	write := func() {
		s.Put([]byte("a"), []byte("1"))
		commit(t, s, log, s.Position().Input+1, 0)
	}
	write()
	s.MaybeFlush(start, false)
	require.True(t, s.MaybeFlush(start.Add(5*time.Second), false))
	<-begun
	write()
	tail := survivingTail(t, mem, s, testConfig(nil))
	require.False(t, s.MaybeFlush(start.Add(9*time.Second), false), "one is under way")
	require.Equal(t, tail, survivingTail(t, mem, s, testConfig(nil)))
	go close(slow)
	s.MaybeFlush(start.Add(10*time.Second), false)
	require.Less(t, survivingTail(t, mem, s, testConfig(nil)), tail)
}

// TrimTo follows the disk: a round's end counts once the round's start was on disk, and after a restart at once.
func TestTrimToFollowsTheDisk(t *testing.T) {
	fs := vfs.NewMem()
	c := testConfig(fs)
	s, log := openStore(t, c), newFakeLog(nil)
	for input := range Offset(50) {
		s.Put([]byte("hot"), make([]byte, 100))
		commit(t, s, log, input, 0)
	}
	redundant := s.meta.redundantBelow()
	require.Positive(t, redundant)
	_, ok := s.TrimTo()
	require.False(t, ok, "nothing is on disk")
	require.NoError(t, s.Flush())
	to, ok := s.TrimTo()
	require.True(t, ok)
	require.Equal(t, redundant, to)
	require.Less(t, to, s.Position().Changelog, "the newest delta stays")
	s.Trimmed(to)
	_, ok = s.TrimTo()
	require.False(t, ok, "nothing new")
	require.NoError(t, s.Close())

	s = openStore(t, c)
	to, ok = s.TrimTo()
	require.True(t, ok, "known again after a restart")
	require.Equal(t, redundant, to)
	require.NoError(t, s.NewRestore().LogStart(to))
	_, ok = s.TrimTo()
	require.False(t, ok, "the restore told that it's done already")
}

// A round that ends while a flush is under way isn't on disk with it.
func TestTrimToIsAsOldAsTheFlush(t *testing.T) {
	c := testConfig(vfs.NewMem())
	c.SyncFlush = false
	s, log := openStore(t, c), newFakeLog(nil)
	commits := func() {
		for range 20 {
			s.Put([]byte("hot"), make([]byte, 100))
			commit(t, s, log, s.Position().Input+1, 0)
		}
	}
	commits()
	onDisk, redundant := s.Position().Changelog, s.meta.redundantBelow()
	require.NoError(t, s.startFlush())
	commits()
	require.Greater(t, s.meta.redundantBelow(), onDisk)
	require.NoError(t, s.awaitFlush())
	to, ok := s.TrimTo()
	require.True(t, ok)
	require.Equal(t, redundant, to)
}

// Rounds that are shorter than the time between flushes don't keep the log from being trimmed.
func TestShortRoundsAreTrimmedToo(t *testing.T) {
	c := testConfig(vfs.NewMem())
	c.SyncFlush = false
	c.FlushBytes = 1 << 20
	s, log := openStore(t, c), newFakeLog(nil)
	for input := range Offset(20_000) {
		s.Put([]byte("hot"), make([]byte, 200))
		commit(t, s, log, input, 0)
		s.MaybeFlush(time.Unix(0, 0), false)
		if to, ok := s.TrimTo(); ok {
			log.trim(to)
			s.Trimmed(to)
		}
		require.Less(t, log.bytes(), 2*c.FlushBytes)
	}
	require.Greater(t, s.Log().Round, int64(1000))
}

// A disk that takes no more is told by the next call that can tell it, and no call hangs.
func TestFailingDiskIsTold(t *testing.T) {
	var broken atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind == errorfs.OpCreate {
			return errorfs.ErrInjected
		}
		return nil
	}))
	for _, sync := range []bool{true, false} {
		broken.Store(false)
		c := testConfig(fs)
		c.SyncFlush = sync
		c.FlushBytes = 8 << 10
		c.Identity.Partition = 1
		c.Dir = fmt.Sprint("/data/", sync)
		s, log := openStore(t, c), newFakeLog(nil)
		broken.Store(true)
		var err error
		for input := Offset(0); err == nil && input < 100; input++ {
			s.Put([]byte("a"), make([]byte, 1000))
			var parts [][]byte
			parts, err = s.Prepare(input, 0, 0)
			require.NoError(t, err)
			first, last := log.append(parts)
			err = s.Commit(first, last)
			s.MaybeFlush(time.Unix(0, 0), false)
		}
		require.ErrorIs(t, err, errorfs.ErrInjected)
		require.Error(t, s.Close())
	}
}

func TestCloseFlushes(t *testing.T) {
	fs := vfs.NewMem()
	s, log := openStore(t, testConfig(fs)), newFakeLog(nil)
	s.Put([]byte("a"), []byte("1"))
	commit(t, s, log, 1, 0)
	require.NoError(t, s.Close())
	s = openStore(t, testConfig(fs))
	require.Equal(t, map[string]string{"a": "1"}, contents(t, s))
	s.Put([]byte("a"), []byte("2"))
	commit(t, s, log, 2, 0)
	s.Abandon()
	s = openStore(t, testConfig(fs))
	require.Equal(t, map[string]string{"a": "1"}, contents(t, s), "abandoned: as after a crash")
	log.restore(t, s)
	require.Equal(t, map[string]string{"a": "2"}, contents(t, s))
}
