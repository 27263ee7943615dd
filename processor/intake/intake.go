package intake

import (
	"fmt"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
)

// Stage implements stage.Stage.
type Stage struct {
	config   Config
	channels map[string]bool
	buf      []byte // of the entry being encoded
}

// New returns intake. The configuration must be valid.
func New(c Config) *Stage {
	if err := c.Validate(); err != nil {
		panic(fmt.Sprintf("BUG: %v", err))
	}
	if c.HoldSecondsMarketplace == 0 {
		c.HoldSecondsMarketplace = holdSecondsMarketplaceUsed
	}
	s := &Stage{config: c, channels: map[string]bool{}}
	for _, name := range c.Channels {
		s.channels[name] = true
	}
	return s
}

// Decide checks one public record and sends it on, or to the dead letters.
func (s *Stage) Decide(tx stage.Tx, r *stage.Record) {
	refusal := s.take(tx, r)
	if refusal == nil {
		tx.Count(outcomeOf(r.Short))
		return
	}
	tx.Count(outcomeRefused)
	tx.DeadLetter(stage.DeadLetter{
		Origin: r.Origin(), Reason: refusal.Reason, Message: refusal.Message,
		Key: r.Key, Value: r.Value, Headers: r.Headers,
	})
}

// Finish is part of stage.Stage: nothing is put off.
func (s *Stage) Finish(stage.Tx) {}

// Reset is part of stage.Stage: nothing is kept.
func (s *Stage) Reset() {}

// Due is part of stage.Stage: intake does nothing by itself.
func (s *Stage) Due(stage.Tx) (record.Millis, bool) { return 0, false }

// take sends all of the record on and returns nil, or sends nothing.
func (s *Stage) take(tx stage.Tx, r *stage.Record) *record.Refusal {
	if refusal := checkLimits(r); refusal != nil {
		return refusal
	}
	if t := tableOf(r.Short); t != nil {
		return s.takeRow(tx, r, t)
	}
	if len(r.Value) == 0 {
		return refuse(record.RefuseMalformed, "the value is empty")
	}
	switch r.Short {
	case "stock.feed":
		return s.takeStock(tx, r)
	case "fulfilment.feed":
		return s.takeFulfilment(tx, r)
	}
	rest, isChannel := strings.CutPrefix(r.Short, "channel.")
	channel, isOrders := strings.CutSuffix(rest, ".orders")
	if !isChannel || !isOrders {
		panic(fmt.Sprintf("BUG: intake was given a record of %s", r.Topic))
	}
	if !s.channels[channel] {
		return refuse(record.RefuseChannelUnknown, "channel %.60q isn't configured", channel)
	}
	return s.takeOrder(tx, r, channel)
}

func checkLimits(r *stage.Record) *record.Refusal {
	if len(r.Headers) > record.HeadersMax {
		return refuse(record.RefuseTooManyHeaders, "%d headers, the most is %d", len(r.Headers), record.HeadersMax)
	}
	if len(r.Value) > record.ValueBytesMax {
		return refuse(record.RefuseTooLarge, "value of %d bytes, the most is %d", len(r.Value), record.ValueBytesMax)
	}
	return nil
}

func (s *Stage) report(format string, args ...any) {
	if s.config.Report != nil {
		s.config.Report(fmt.Sprintf(format, args...))
	}
}
