package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
)

// broker makes sure that one answers on 127.0.0.1:port. The returned stop ends
// it where it was started here, and only there.
func broker(ctx context.Context, script string, port int, stderr io.Writer) (stop func() error, err error) {
	environment := []string{"KAFKA_PORT=" + strconv.Itoa(port)}
	if start(ctx, []string{script, "status"}, environment, io.Discard, io.Discard) == nil {
		return func() error { return nil }, nil
	}
	if err := start(ctx, []string{script, "start"}, environment, stderr, stderr); err != nil {
		return nil, fmt.Errorf("starting a broker: %w", err)
	}
	return func() error {
		// Not with ctx: an interrupt is a reason to stop it.
		return start(context.WithoutCancel(ctx), []string{script, "stop"}, environment, stderr, stderr)
	}, nil
}
