package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"
)

// blockProfileRate: one blocking event is sampled, on average, for each so long
// that goroutines are blocked. Cheap enough to leave the figures as they are.
const blockProfileRate = 100 * time.Microsecond

// startProfiles starts what the flags ask for; stop writes it. With --profile
// that is the CPU, what blocked, and the heap as it is at the end.
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
		stops = append(stops, func() error {
			defer runtime.SetBlockProfileRate(0)
			return errors.Join(
				writeProfile("block", filepath.Join(f.Profile, "block.pprof")),
				writeProfile("heap", filepath.Join(f.Profile, "heap.pprof")))
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

func writeProfile(name, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("the profile %s: %w", name, err)
	}
	if name == "heap" {
		runtime.GC() // the profile is of what was alive at the last collection
	}
	return errors.Join(pprof.Lookup(name).WriteTo(file, 0), file.Close())
}
