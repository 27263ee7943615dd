package state

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// benchConfig is that of production, on a real disk.
func benchConfig(b *testing.B) Config {
	c := Config{Dir: b.TempDir() + "/store", Identity: testIdentity()}
	shared := NewShared(64<<20, nil)
	b.Cleanup(shared.Close)
	c.Shared = shared
	return c
}

// processCPU is the time of all threads, Pebble's background work included: a steadier measure where others share the
// machine, and the one that counts when there are more stores than cores.
func processCPU() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// benchKeys are of 60 bytes and spread over their prefix, as orders of many shops are: the dearest order for compactions.
func benchKeys(prefix string, n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "%s/%016x/web/main/W-%08d/TEE-RED-M/0123456789", prefix, uint64(i)*0x9e3779b97f4a7c15, i)
	}
	return keys
}

// A transaction of 20,000 gets and puts of 60-byte keys and values: half of the keys are new, and half are among the
// 100,000 that are in the store. One operation is one get and one put; Prepare, Commit and flushes are part of it.
func BenchmarkStoreTransaction(b *testing.B) {
	const perTransaction = 20_000
	s, err := Open(benchConfig(b))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Abandon()
	known, news := benchKeys("stock", 100_000), benchKeys("hold", b.N)
	value := make([]byte, 60)
	changelog, input := Offset(0), Offset(0)
	var gets, prepares, commits time.Duration
	end := func() {
		input++
		at := time.Now()
		parts, err := s.Prepare(input, 0, 0)
		prepares += time.Since(at)
		if err != nil {
			b.Fatal(err)
		}
		last := changelog + Offset(len(parts)) - 1
		at = time.Now()
		if err := s.Commit(changelog, last); err != nil {
			b.Fatal(err)
		}
		s.MaybeFlush(time.Now(), false)
		commits += time.Since(at)
		changelog = last + 2
	}
	for i, key := range known {
		s.Put(key, value)
		if i%perTransaction == perTransaction-1 {
			end()
		}
	}
	if err := s.Flush(); err != nil {
		b.Fatal(err)
	}
	prepares, commits = 0, 0
	cpu := processCPU()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; {
		at := time.Now()
		for range min(perTransaction, b.N-i) {
			key := news[i]
			if i%2 == 0 {
				key = known[(i*7919)%len(known)]
			}
			if _, _, err := s.Get(key); err != nil {
				b.Fatal(err)
			}
			s.Put(key, value)
			i++
		}
		gets += time.Since(at)
		end()
	}
	b.StopTimer()
	b.ReportMetric(float64(processCPU()-cpu)/float64(b.N), "cpu-ns/op")
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(b.N) }
	b.ReportMetric(per(gets), "ns-decide/op")
	b.ReportMetric(per(prepares), "ns-prepare/op")
	b.ReportMetric(per(commits), "ns-commit/op")
}

// Restoring from a changelog of 200-line transactions: one operation is one entry of a delta.
func BenchmarkRestore(b *testing.B) {
	const perTransaction = 200
	writer, err := Open(benchConfig(b))
	if err != nil {
		b.Fatal(err)
	}
	defer writer.Abandon()
	log := newFakeLog(nil)
	value := make([]byte, 60)
	keys := benchKeys("hold", 200_000)
	entries := 0
	for input := Offset(0); entries < 500_000; input++ {
		for range perTransaction {
			writer.Put(keys[entries*7919%len(keys)], value)
			entries++
		}
		commit(b, writer, log, input, 0)
		writer.MaybeFlush(time.Now(), false)
	}
	restore := func(b *testing.B, gather bool) {
		cpu := processCPU()
		b.SetBytes(log.bytes() / int64(entries))
		b.ReportAllocs()
		for done := 0; done < b.N; {
			b.StopTimer()
			s, err := Open(benchConfig(b))
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			r := s.NewRestore()
			if gather {
				r.Gather()
			}
			err = r.LogStart(0)
			for i := 0; i < len(log.records) && done < b.N && err == nil; i++ {
				err = r.Feed(log.records[i].offset, log.records[i].value)
				done += perTransaction
			}
			if err := firstError(err, r.Finish(), s.Flush()); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			s.Abandon()
			b.StartTimer()
		}
		b.ReportMetric(float64(processCPU()-cpu)/float64(b.N), "cpu-ns/op")
	}
	b.Run("gathered", func(b *testing.B) { restore(b, true) })
	b.Run("one-by-one", func(b *testing.B) { restore(b, false) })
}

// A delta of 200 puts of 60-byte keys and values: one operation is one of them, encoded, decoded and walked over.
func BenchmarkDelta(b *testing.B) {
	const perDelta = 200
	keys := benchKeys("hold", perDelta)
	value := make([]byte, 60)
	var e encoder
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += perDelta {
		e.reset(perDelta * 140)
		for _, key := range keys {
			e.put(key, value)
		}
		e.endWrites()
		e.endSwept()
		parts, err := e.finish(state{}, defaultPartBytesMax)
		if err != nil {
			b.Fatal(err)
		}
		h, chunk, err := decodeHeader(parts[0])
		if err != nil {
			b.Fatal(err)
		}
		d, err := decodeDelta(&h, sharedHeader(parts[0]), chunk)
		if err != nil {
			b.Fatal(err)
		}
		for entries := (entryReader{d.writes}); ; {
			if _, _, _, ok, err := entries.next(); err != nil {
				b.Fatal(err)
			} else if !ok {
				break
			}
		}
	}
}

// Applying deltas of 200 puts to a store: one operation is one put; flushes are part of it.
func BenchmarkApply(b *testing.B) {
	const perDelta = 200
	s, err := Open(benchConfig(b))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Abandon()
	keys := benchKeys("hold", 200_000)
	value := make([]byte, 60)
	var e encoder
	offset := Offset(0)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += perDelta {
		e.reset(perDelta * 140)
		for i := range perDelta {
			e.put(keys[(done+i)*7919%len(keys)], value)
		}
		e.endWrites()
		d := delta{writes: e.body(), after: s.meta.state, bytes: deltaBytes(len(e.body()), 1)}
		if err := s.apply(&d, offset, offset, complete); err != nil {
			b.Fatal(err)
		}
		s.MaybeFlush(time.Now(), false)
		offset++
	}
}

// The overlay alone: one operation is one put of a key that the transaction wrote before, and one get.
func BenchmarkOverlay(b *testing.B) {
	o := newOverlay()
	keys := benchKeys("hold", 20_000)
	value := make([]byte, 60)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(keys) == 0 {
			o.reset()
		}
		key := keys[i%len(keys)]
		o.put(key, value)
		if index, _, _ := o.find(key); index < 0 {
			b.Fatal("lost")
		}
	}
}
