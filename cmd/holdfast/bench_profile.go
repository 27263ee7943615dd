package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"time"
)

// blockProfileRate: one blocking event is sampled, on average, for each so long
// that goroutines are blocked. Cheap enough to leave the figures as they are.
const blockProfileRate = 100 * time.Microsecond

// startProfiles starts what the flags ask for; stop writes it. With --profile
// that is the CPU, what blocked, and the heap when most of it was alive.
func startProfiles(f *benchFlags) (stop func() error, err error) {
	var stops []func() error
	stop = func() error {
		var errs []error
		for _, fn := range stops {
			errs = append(errs, fn())
		}
		return errors.Join(errs...)
	}
	path := f.CPUProfile
	if f.Profile != "" {
		if err := os.MkdirAll(f.Profile, 0o755); err != nil {
			return nil, fmt.Errorf("the profiles: %w", err)
		}
		if path == "" {
			path = filepath.Join(f.Profile, "cpu.pprof")
		}
		runtime.SetBlockProfileRate(int(blockProfileRate))
		stopHeap := watchHeap(filepath.Join(f.Profile, "heap.pprof"))
		stops = append(stops, func() error {
			defer runtime.SetBlockProfileRate(0)
			return errors.Join(writeProfile("block", filepath.Join(f.Profile, "block.pprof")), stopHeap())
		})
	}
	if path == "" {
		return stop, nil
	}
	file, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("the profile: %w", err)
	}
	// First of all: writing the others would be in it.
	stops = append([]func() error{func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}}, stops...)
	return stop, nil
}

// watchHeap writes the heap's profile each time that more of it was alive than
// ever before: at the end, with the stores closed, nothing is left to see.
func watchHeap(path string) (stop func() error) {
	done, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		every := time.NewTicker(heapLook)
		defer every.Stop()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		written := uint64(0)
		for {
			metrics.Read(live)
			if now := live[0].Value.Uint64(); written == 0 || now > written+written/heapGrowth {
				if err := writeProfile("heap", path); err != nil {
					ended <- err
					return
				}
				written = now
			}
			select {
			case <-every.C:
			case <-done:
				ended <- nil
				return
			}
		}
	}()
	return func() error {
		close(done)
		return <-ended
	}
}

// A profile is written some dozen times in a run, each in a millisecond or two:
// when the heap has grown by one part in heapGrowth.
const (
	heapLook   = 100 * time.Millisecond
	heapGrowth = 20
)

func writeProfile(name, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("the profile %s: %w", name, err)
	}
	return errors.Join(pprof.Lookup(name).WriteTo(file, 0), file.Close())
}
