package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lineByLine hands out lines as they come.
func lineByLine(t *testing.T, r io.Reader) <-chan string {
	t.Helper()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-time.After(10 * time.Second): // nobody asks for it
				return
			}
		}
	}()
	return lines
}

// startBroker runs the broker command, and returns its address and what ends it.
func startBroker(t *testing.T, args ...string) (address string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- Run(ctx, append([]string{"broker"}, args...), Process{Stdout: writer, Stderr: io.Discard})
		writer.Close()
	}()
	line := <-lineByLine(t, reader)
	return line[strings.LastIndexByte(line, ' ')+1:], func() int { cancel(); return <-done }
}

func TestBrokerKeepsItsData(t *testing.T) {
	dir := t.TempDir()
	address, stop := startBroker(t, "--listen", "127.0.0.1:0", "--data-dir", dir)
	h := &harness{t: t, environ: []string{"KAFKA_BROKERS=" + address}}
	h.good("topics", "apply")
	h.good("send", "-t", "warehouses", writeFile(t, "w", `{"id":"HCM-1"}`))
	require.Contains(t, h.bad(exitFailed, "broker", "--listen", "127.0.0.1:0", "--data-dir", dir), "is another broker using it?")
	require.Contains(t, h.bad(exitFailed, "broker", "--listen", address), "address already in use")
	require.Equal(t, exitGood, stop())

	address, stop = startBroker(t, "--listen", "127.0.0.1:0", "--data-dir", dir)
	h.environ = []string{"KAFKA_BROKERS=" + address}
	require.Equal(t, "HCM-1", *h.tail("warehouses")[0].Key)
	require.Equal(t, exitGood, stop())
	require.Contains(t, h.bad(exitFailed, "broker", "--listen", "0.0.0.0:9092"), "127.0.0.1 only")
}
