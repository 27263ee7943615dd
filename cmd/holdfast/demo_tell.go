package main

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"holdfast/loadtest/audit"
	"holdfast/processor"
	"holdfast/topology"
)

// demoSummary is what the demo prints as JSON.
type demoSummary struct {
	Orders          int            `json:"orders"` // distinct created
	Lines           int            `json:"lines"`
	Units           int            `json:"units"`
	Accepted        int            `json:"accepted"`
	Short           int            `json:"short"`
	Rejected        int            `json:"rejected"`
	Expired         int            `json:"expired"`
	Cancelled       int            `json:"cancelled"`
	Shipped         int            `json:"shipped"`
	SoldOutSKUs     int            `json:"sold_out_skus"`
	DuplicatesSent  int            `json:"duplicates_sent"`
	OutOfOrder      int            `json:"out_of_order"`
	BrokenSent      int            `json:"broken_sent"`
	DeadLetters     int            `json:"dead_letters"`
	OversoldUnits   int64          `json:"oversold_units"`
	ChannelUpdates  int            `json:"channel_updates"`
	StockChanges    int            `json:"stock_changes"`
	P50Millis       float64        `json:"p50_ms"`
	P99Millis       float64        `json:"p99_ms"`
	Seconds         float64        `json:"seconds"`
	OrdersPerSecond float64        `json:"orders_per_second"`
	ByChannel       map[string]int `json:"by_channel"`
	Broker          string         `json:"broker"` // embedded, kafka
	AppID           string         `json:"app_id"`
	Audit           string         `json:"audit"`
	AuditReport     audit.Report   `json:"audit_report"`
}

func (d *demo) summary(report audit.Report) demoSummary {
	c, w := d.sale.Counts(), d.watch.counts()
	seconds := d.watch.last.Sub(d.begun).Seconds()
	s := demoSummary{
		Orders: c.Orders, Lines: c.Lines, Units: c.Units, DuplicatesSent: c.Duplicates, OutOfOrder: c.OutOfOrder, BrokenSent: c.Broken,
		Accepted: w.accepted, Short: w.short, Rejected: w.rejected, Expired: w.expired, Cancelled: w.cancelled, Shipped: w.shipped,
		SoldOutSKUs: w.soldOut, DeadLetters: w.deadLetters, ChannelUpdates: w.channelUpdates, StockChanges: w.stockChanges,
		OversoldUnits: int64(report.OversoldUnits),
		P50Millis:     millis(d.latency.Quantile(0.5)), P99Millis: millis(d.latency.Quantile(0.99)),
		Seconds: seconds, OrdersPerSecond: float64(c.Orders) / seconds, ByChannel: w.byChannel,
		Broker: "embedded", AppID: d.topology.AppID, Audit: report.Verdict, AuditReport: report,
	}
	if d.broker == nil {
		s.Broker = "kafka"
	}
	return s
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (d *demo) tell(report audit.Report) error {
	s := d.summary(report)
	if d.cmd.json() {
		return d.app.printJSON(s)
	}
	out := d.app.Stdout
	fmt.Fprintf(out, "\nThe sale: %d orders of %d lines in %.1f s (%.0f orders/s", s.Orders, s.Lines, s.Seconds, s.OrdersPerSecond)
	if d.broker != nil {
		fmt.Fprint(out, ", broker inside this process: no figure to compare with Kafka")
	}
	fmt.Fprint(out, ")\n  ")
	for i, channel := range slices.Sorted(maps.Keys(s.ByChannel)) {
		if i > 0 {
			fmt.Fprint(out, ", ")
		}
		fmt.Fprintf(out, "%s %d", channel, s.ByChannel[channel])
	}
	fmt.Fprintf(out, "\n  sent on purpose   %d duplicates, %d orders with events out of order, %d broken records\n", s.DuplicatesSent, s.OutOfOrder, s.BrokenSent)
	fmt.Fprintf(out, "\n  accepted          %d, of them %d short (marketplaces and tills stand by their orders; short units wait for stock)\n", s.Accepted, s.Short)
	fmt.Fprintf(out, "  rejected          %d\n  expired unpaid    %d\n  cancelled         %d\n  shipped           %d\n", s.Rejected, s.Expired, s.Cancelled, s.Shipped)
	fmt.Fprintf(out, "  SKUs sold out     %d\n  dead letters      %d\n", s.SoldOutSKUs, s.DeadLetters)
	fmt.Fprintf(out, "  told channels     %d stock updates, for %d changes of stock\n", s.ChannelUpdates, s.StockChanges)
	fmt.Fprintf(out, "  order to answer   p50 %.0f ms, p99 %.0f ms, from the intended time of sending\n\n", s.P50Millis, s.P99Millis)
	return report.WriteText(out)
}

// invite says what can be tried while the demo stays up.
func (d *demo) invite() {
	to := fmt.Sprintf("--brokers %s", d.settings.Kafka.Brokers[0])
	if d.topology.AppID != topology.Default().AppID {
		to += " --app-id " + d.topology.AppID
	}
	fmt.Fprintf(d.app.Stderr, `
It stays up. In another terminal, try

  holdfast explain %s %s
  holdfast tail dlq %s
  holdfast audit --settle %s

Ctrl-C ends it.
`, d.watch.sample, to, to, to)
}

// hint says what can be tried after a demo that is gone with its broker.
func (d *demo) hint() {
	fmt.Fprintf(d.app.Stderr, `
Without --exit it stays up to be looked at. Try

  holdfast demo --orders %d --listen 127.0.0.1:9092    and in another terminal
  holdfast explain %s
  holdfast audit --settle
`, d.cmd.Orders, d.watch.sample)
}

// logHalted tells of a partition that stopped: a demo that hangs should say why.
type logHalted struct{ log *slog.Logger }

func (logHalted) Ended(*processor.Transaction)                                           {}
func (logHalted) Restored(string, processor.TopicPartition, int64, int64, time.Duration) {}
func (logHalted) Wiped(string, processor.TopicPartition, string)                         {}
func (l logHalted) Halted(stage string, tp processor.TopicPartition, reason string) {
	l.log.Error("demo is stuck: a partition halted", "stage", stage, "partition", tp.Partition)
}
