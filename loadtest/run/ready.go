package run

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"holdfast/loadtest/scenario"
)

// ready returns why the faults couldn't be done, as far as that can be known
// before anything is sent: an hour's load that ends in a missing file is a
// pity.
//
// Behind the first program that is run nobody knows: it may start what is to be
// signalled, and write the file that says where it is.
func ready(faults []scenario.Fault) error {
	faults = slices.Clone(faults)
	slices.SortStableFunc(faults, func(a, b scenario.Fault) int { return cmp.Compare(a.At, b.At) })
	var errs []error
	started := false
	for i := range faults {
		one := &faults[i]
		var err error
		switch {
		case len(one.Run) > 0:
			_, err = exec.LookPath(one.Run[0])
			started = true
		case !started:
			err = alive(one)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("the fault %q can't be done: %w", describe(one), err))
		}
	}
	return errors.Join(errs...)
}

// alive returns why a process can't be signalled.
func alive(one *scenario.Fault) error {
	pid, err := pidOf(one)
	if err != nil {
		return err
	}
	if pid == os.Getpid() {
		return fmt.Errorf("%d is this process, which measures what comes of it", pid)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		return fmt.Errorf("the process %d: %w", pid, err)
	}
	return nil
}
