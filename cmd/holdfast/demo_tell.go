package main

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"holdfast/loadtest/audit"
	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// demoSummary is what the demo prints as JSON.
type demoSummary struct {
	Orders          int                                    `json:"orders"` // distinct created
	Lines           int                                    `json:"lines"`
	Units           int                                    `json:"units"`
	Accepted        int                                    `json:"accepted"`
	Short           int                                    `json:"short"`
	Rejected        int                                    `json:"rejected"`
	Expired         int                                    `json:"expired"`
	Cancelled       int                                    `json:"cancelled"`
	Shipped         int                                    `json:"shipped"`
	Backordered     int                                    `json:"backordered"`
	Filled          int                                    `json:"filled"`
	CancelledInPart int                                    `json:"cancelled_in_part"`
	Delivered       int                                    `json:"delivered"`
	Returned        int                                    `json:"returned"`
	Refused         int                                    `json:"refused"`
	SoldOutSKUs     int                                    `json:"sold_out_skus"`
	DuplicatesSent  int                                    `json:"duplicates_sent"`
	OutOfOrder      int                                    `json:"out_of_order"`
	BrokenSent      int                                    `json:"broken_sent"`
	DeadLetters     int                                    `json:"dead_letters"`
	OversoldUnits   int64                                  `json:"oversold_units"`
	ChannelUpdates  int                                    `json:"channel_updates"`
	StockChanges    int                                    `json:"stock_changes"`
	P50Millis       float64                                `json:"p50_ms"`
	P99Millis       float64                                `json:"p99_ms"`
	Seconds         float64                                `json:"seconds"`
	OrdersPerSecond float64                                `json:"orders_per_second"`
	ByChannel       map[string]channelCounts               `json:"by_channel"`
	ByWarehouse     map[record.WarehouseID]warehouseCounts `json:"by_warehouse"`
	Broker          string                                 `json:"broker"` // embedded, kafka
	AppID           string                                 `json:"app_id"`
	Audit           string                                 `json:"audit"`
	AuditReport     audit.Report                           `json:"audit_report"`
}

func (d *demo) summary(report audit.Report) demoSummary {
	c, w := d.sale.Counts(), d.watch.counts()
	seconds := d.watch.last.Sub(d.begun).Seconds()
	s := demoSummary{
		Orders: c.Orders, Lines: c.Lines, Units: c.Units, DuplicatesSent: c.Duplicates, OutOfOrder: c.OutOfOrder, BrokenSent: c.Broken,
		Accepted: w.accepted, Short: w.short, Rejected: w.rejected, Expired: w.expired, Cancelled: w.cancelled, Shipped: w.shipped,
		Backordered: w.backordered, Filled: w.filled, CancelledInPart: w.lessened, Delivered: w.delivered, Returned: w.returned, Refused: w.refused,
		SoldOutSKUs: w.soldOut, DeadLetters: w.deadLetters, ChannelUpdates: w.channelUpdates, StockChanges: w.stockChanges,
		OversoldUnits: int64(report.OversoldUnits),
		P50Millis:     millis(d.latency.Quantile(0.5)), P99Millis: millis(d.latency.Quantile(0.99)),
		Seconds: seconds, OrdersPerSecond: float64(c.Orders) / seconds, ByChannel: d.watch.byChannel(), ByWarehouse: d.watch.byWarehouse(),
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
	fmt.Fprintln(out, ")")
	fmt.Fprintf(out, "  sent on purpose   %d duplicates, %d orders with events out of order, %d broken records\n", s.DuplicatesSent, s.OutOfOrder, s.BrokenSent)
	fmt.Fprintf(out, "\n  accepted          %d, of them %d short (marketplaces and tills stand by their orders; short units wait for stock),\n", s.Accepted, s.Short)
	fmt.Fprintf(out, "                    %d on backorder; %d times waiting units got stock\n", s.Backordered, s.Filled)
	fmt.Fprintf(out, "  rejected          %d\n  expired unpaid    %d\n  cancelled         %d, and %d in part\n", s.Rejected, s.Expired, s.Cancelled, s.CancelledInPart)
	fmt.Fprintf(out, "  shipped           %d, delivered %d, returned %d\n", s.Shipped, s.Delivered, s.Returned)
	fmt.Fprintf(out, "  refused           %d events that came too late or named what isn't there\n", s.Refused)
	fmt.Fprintf(out, "  SKUs sold out     %d\n  dead letters      %d\n", s.SoldOutSKUs, s.DeadLetters)
	fmt.Fprintf(out, "  told channels     %d stock updates, for %d changes of stock\n", s.ChannelUpdates, s.StockChanges)
	fmt.Fprintf(out, "  order to answer   p50 %.0f ms, p99 %.0f ms, from the intended time of sending\n\n", s.P50Millis, s.P99Millis)
	s.tellChannels(out)
	s.tellWarehouses(out)
	return report.WriteText(out)
}

func (s *demoSummary) tellChannels(out io.Writer) {
	fmt.Fprintf(out, "  %-10s %8s %9s %7s %9s %8s %10s %8s\n", "channel", "orders", "accepted", "short", "rejected", "expired", "cancelled", "shipped")
	for _, name := range slices.Sorted(maps.Keys(s.ByChannel)) {
		c := s.ByChannel[name]
		fmt.Fprintf(out, "  %-10s %8d %9d %7d %9d %8d %10d %8d\n", name, c.Orders, c.Accepted, c.Short, c.Rejected, c.Expired, c.Cancelled, c.Shipped)
	}
	fmt.Fprintln(out)
}

// warehousesTold is how many warehouses the text shows; the JSON has all.
const warehousesTold = 8

func (s *demoSummary) tellWarehouses(out io.Writer) {
	ids := slices.SortedFunc(maps.Keys(s.ByWarehouse), func(a, b record.WarehouseID) int {
		return cmp.Or(cmp.Compare(s.ByWarehouse[b].Units, s.ByWarehouse[a].Units), cmp.Compare(a, b))
	})
	fmt.Fprintf(out, "  %-10s %8s %9s %14s\n", "warehouse", "orders", "units", "of them gone")
	for _, id := range ids[:min(len(ids), warehousesTold)] {
		c := s.ByWarehouse[id]
		fmt.Fprintf(out, "  %-10s %8d %9d %14d\n", id, c.Orders, c.Units, c.Shipped)
	}
	if more := len(ids) - warehousesTold; more > 0 {
		fmt.Fprintf(out, "  and %d more\n", more)
	}
	fmt.Fprintln(out)
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
func (logHalted) Verified(string, processor.TopicPartition, processor.Verified)          {}
func (l logHalted) Halted(stage string, tp processor.TopicPartition, reason string) {
	l.log.Error("demo is stuck: a partition halted", "stage", stage, "partition", tp.Partition)
}
