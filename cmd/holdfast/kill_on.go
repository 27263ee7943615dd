//go:build drills

package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// killPoint lets a drill say where this process ends, as by kill -9:
// DRILL_KILL_AT=ended:12 is the twelfth time that the run time comes to the point
// "ended", from SIGUSR1 on. Only a program that is built for drills has it.
func killPoint(log *slog.Logger) (func(point string), error) {
	told := os.Getenv("DRILL_KILL_AT")
	if told == "" {
		return nil, nil
	}
	where, text, _ := strings.Cut(told, ":")
	pass, err := strconv.ParseInt(text, 10, 64)
	if err != nil || pass < 1 || where == "" {
		return nil, usageErrorf("DRILL_KILL_AT=%s: must be POINT:PASS", told)
	}
	armed := make(chan os.Signal, 1)
	signal.Notify(armed, syscall.SIGUSR1)
	var counts atomic.Bool
	go func() { <-armed; counts.Store(true) }()
	var passed atomic.Int64
	return func(point string) {
		if point != where || !counts.Load() || passed.Add(1) != pass {
			return
		}
		log.Error("ends itself, as a drill wants it", "point", point, "pass", pass)
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			panic(fmt.Sprintf("BUG: a process that can't kill itself: %v", err))
		}
		select {} // not one step further
	}, nil
}
