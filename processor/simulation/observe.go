package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"holdfast/processor"
)

// observer is told by the run time what happens.
type observer Simulation

var _ processor.Observer = (*observer)(nil)

// Ended is part of processor.Observer.
func (o *observer) Ended(t *processor.Transaction) {
	if t.Result == processor.Committed {
		o.Stats.Committed++
	}
}

// Restored is part of processor.Observer.
func (o *observer) Restored(string, processor.TopicPartition, int64, int64, time.Duration) {}

// Halted is part of processor.Observer. No fault of the scheduler's may halt a
// partition.
func (o *observer) Halted(stage string, tp processor.TopicPartition, reason string) {
	if o.MayHalt != nil && o.MayHalt(tp) {
		o.halted[tp] = true
		return
	}
	(*Simulation)(o).fail(RuleHalted, "%s %s/%d halts: %s", stage, tp.Topic, tp.Partition, reason)
}

// Wiped is part of processor.Observer.
func (o *observer) Wiped(string, processor.TopicPartition, string) { o.Stats.Wiped++ }

// Verified is part of processor.Observer; what is found halts the partition, too.
func (o *observer) Verified(string, processor.TopicPartition, processor.Verified) {}

// logger writes the run time's messages into the trace.
func (s *Simulation) logger() *slog.Logger { return slog.New(&traceHandler{s: s}) }

type traceHandler struct {
	s     *Simulation
	attrs []slog.Attr
}

func (h *traceHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *traceHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s", a)
		return true
	})
	h.s.tracef("%s: %s", strings.ToLower(r.Level.String()), b.String())
	return nil
}

func (h *traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &traceHandler{s: h.s, attrs: append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

func (h *traceHandler) WithGroup(string) slog.Handler { return h }
