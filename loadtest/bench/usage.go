package bench

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// cpuSeconds returns user and system time of this process so far.
func cpuSeconds() (float64, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("reading the CPU time: %w", err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6, nil
}

// peakRSSMiB returns the largest resident set that this process ever had.
func peakRSSMiB() (int64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			return 0, fmt.Errorf("reading the resident set: %w", err)
		}
		return u.Maxrss >> 10, nil
	}
	defer func() { _ = f.Close() }() // only read
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading the resident set: %w", err)
			}
			return kib >> 10, nil
		}
	}
	return 0, fmt.Errorf("reading the resident set: no VmHWM")
}

// PeakRSSMiB returns the largest resident set that this process ever had, for
// other commands that print it.
func PeakRSSMiB() (int64, error) { return peakRSSMiB() }
