package main

import (
	"context"
	"errors"
	"fmt"
)

// Exit codes. They are part of the contract with scripts.
const (
	exitGood      = 0
	exitFailed    = 1 // it was tried and didn't work
	exitUsage     = 2 // it can't be asked for like this: flags, arguments, configuration
	exitViolation = 3 // a check found that something is wrong
)

// exitError is an error with the exit code that it stands for.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usageErrorf says that what was asked for can't be meant.
func usageErrorf(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// violationErrorf says that a check found something wrong. Its report is on
// standard output already; this is the line for people.
func violationErrorf(format string, args ...any) error {
	return &exitError{exitViolation, fmt.Errorf(format, args...)}
}

// exitCode returns the code of an error, and what to say about it.
func exitCode(ctx context.Context, err error) (code int, message string) {
	var e *exitError
	switch {
	case err == nil:
		return exitGood, ""
	case errors.As(err, &e):
		return e.code, err.Error()
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitFailed, "interrupted"
	}
	return exitFailed, err.Error()
}
