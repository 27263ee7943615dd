package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/loadtest"
	"holdfast/loadtest/audit"
	"holdfast/loadtest/sale"
	"holdfast/processor/kafka/embedded"
	"holdfast/topology"
	"holdfast/topology/record"
)

type demoCmd struct {
	Orders int      `help:"Orders of the sale." default:"100000"`
	Rate   float64  `help:"Orders sent a second, however fast they are decided." default:"4000"`
	SKUs   int      `name:"skus" help:"SKUs of the catalogue." default:"10000"`
	Seed   uint64   `help:"Another number makes another sale." default:"1111"`
	Kafka  []string `help:"Brokers of a real Kafka; without it a broker is started inside the demo." placeholder:"HOST:PORT"`
	Listen string   `help:"Address of the broker inside the demo; port 0 takes a free one." default:"127.0.0.1:0"`
	Exit   bool     `help:"End after the audit, instead of staying up to be looked at."`
	outputFlag
}

func (c *demoCmd) Help() string {
	return "An 11.11 sale in one process: six channels, twenty warehouses and shops over Vietnam, hot SKUs that sell out, combos, quotas, backorders, holds that expire, cancels whole and in part, parcels on their way and back, duplicates, late and broken events; then the audit. Exit code 3 when the audit finds a violation."
}

func (c *demoCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.settings()
	if err != nil {
		return err
	}
	tuneMemory(a.Environ)
	d := &demo{cmd: c, app: a, settings: *s, status: a.statusLine(), latency: loadtest.NewLatency()}
	if s.Log.Level == "info" && !a.onTerminal() {
		a.log = slog.New(slog.NewTextHandler(a.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.prepare(ctx); err != nil {
		return err
	}
	report, err := d.sell(ctx)
	if err != nil {
		return err
	}
	d.status("")
	if err := d.tell(report); err != nil {
		return err
	}
	if !c.Exit {
		d.invite()
		<-ctx.Done()
	} else if !c.json() {
		d.hint()
	}
	if report.Verdict != audit.Pass {
		return violationErrorf("the audit found violations")
	}
	return nil
}

// demo is one sale from the first topic to the verdict.
type demo struct {
	cmd      *demoCmd
	app      *app
	settings Settings // a copy: the demo has an application, channels and a directory of its own
	status   func(text string)

	broker   *embedded.Broker
	client   *kgo.Client
	options  []kgo.Opt
	topology *topology.Topology
	known    described
	node     *assembly
	stopNode func() error
	sale     *sale.Sale
	latency  *loadtest.Latency
	watch    *watcher

	begun time.Time // the first order's intended time
	shown time.Time // when the progress line was last made
}

// prepare brings up broker, topics and node.
func (d *demo) prepare(ctx context.Context) error {
	s := &d.settings
	var err error
	if len(d.cmd.Kafka) > 0 {
		s.Kafka.Brokers = d.cmd.Kafka
		s.AppID = "holdfast-demo-" + strconv.FormatInt(time.Now().Unix(), 36)
	} else {
		d.status("starting a broker")
		if d.broker, err = embedded.Start(embedded.Config{Listen: d.cmd.Listen}); err != nil {
			return err
		}
		s.Kafka.Brokers = []string{d.broker.Addr()}
		s.Kafka.SASL, s.Kafka.TLS = SASLSettings{}, TLSSettings{} // of another broker
	}
	start := record.Millis(time.Now().UnixMilli())
	cfg := sale.Defaults()
	cfg.Orders, cfg.Rate, cfg.SKUs, cfg.Seed, cfg.Start = d.cmd.Orders, d.cmd.Rate, d.cmd.SKUs, d.cmd.Seed, start
	if d.sale, err = sale.New(cfg); err != nil {
		return usageErrorf("%w", err)
	}
	s.Channels = d.sale.Channels()
	if s.DataDir, err = os.MkdirTemp("", "holdfast-demo-"); err != nil {
		return fmt.Errorf("a directory for the stores: %w", err)
	}
	s.Node.InstanceID = "demo"
	d.app.loaded = s
	if d.client, d.topology, err = d.app.connectTopology(ctx); err != nil {
		return err
	}
	if d.options, err = clientOptions(&s.Kafka); err != nil {
		return usageErrorf("%w", err)
	}
	d.status("creating topics")
	if _, err := applyTopics(ctx, d.client, d.topology); err != nil {
		return err
	}
	if d.known, err = checkCluster(ctx, d.client, d.topology); err != nil {
		return err
	}
	return d.startNode(ctx)
}

func (d *demo) startNode(ctx context.Context) error {
	n, err := assemble(&d.settings, d.topology, d.known, d.options, d.app.log, logHalted{d.app.log}, true)
	if err != nil {
		return err
	}
	d.node = n
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- runNode(run, n, d.topology, d.options) }()
	d.stopNode = func() error {
		cancel()
		err := <-done
		n.close()
		return err
	}
	return nil
}

// sell runs the sale and has it audited.
func (d *demo) sell(ctx context.Context) (audit.Report, error) {
	var report audit.Report
	d.status("loading warehouses and stock")
	setup, err := newSender(d.options, d.topology)
	if err != nil {
		return report, err
	}
	defer setup.close()
	for _, m := range d.sale.Setup() {
		setup.send(m)
	}
	if err := setup.flush(ctx); err != nil {
		return report, err
	}
	if err := d.settle(ctx, "loading warehouses and stock"); err != nil {
		return report, err
	}
	if d.watch, err = watch(ctx, d.options, d.topology, d.latency); err != nil {
		return report, err
	}
	defer d.watch.close()
	if err := d.send(ctx); err != nil {
		return report, err
	}
	if err := d.settle(ctx, "deciding"); err != nil {
		return report, err
	}
	if err := d.watch.catchUp(ctx, d.client); err != nil {
		return report, err
	}
	return runAudit(ctx, d.client, d.options, d.topology, &d.settings, auditScope{settled: true}, d.app.progress("audit: records read"))
}

// send sends the sale at its own pace. A sender that falls behind doesn't slow
// the schedule down: latency counts from the intended time.
func (d *demo) send(ctx context.Context) error {
	s, err := newSender(d.options, d.topology)
	if err != nil {
		return err
	}
	defer s.close()
	d.begun = time.Now()
	show := d.showSale
	if !d.app.onTerminal() {
		show = nil
	}
	return sendPaced(ctx, s, d.sale, d.begun, d.latency, show)
}

// sendPaced sends a sale's messages at their intended times after begun. show,
// if not nil, is called now and then.
func sendPaced(ctx context.Context, to *sender, s *sale.Sale, begun time.Time, latency *loadtest.Latency, show func()) error {
	for n := 0; ; n++ {
		m, ok := s.Next()
		if !ok {
			return to.flush(ctx)
		}
		intended := begun.Add(m.AtOffset)
		if wait := time.Until(intended); wait > time.Millisecond {
			if err := sleep(ctx, wait); err != nil {
				return err
			}
		}
		if m.First {
			latency.Sent(m.OrderKey, intended)
		}
		to.send(m)
		if n%256 == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if show != nil {
				show()
			}
		}
	}
}

func (d *demo) showSale() {
	if time.Since(d.shown) < 100*time.Millisecond {
		return
	}
	d.shown = time.Now()
	c, w := d.sale.Counts(), d.watch.counts()
	d.status(fmt.Sprintf("sale %4.1f s: %d orders sent, %d decided (%d accepted, %d short, %d rejected), %d expired, %d SKUs sold out, p99 %d ms",
		time.Since(d.begun).Seconds(), c.Orders, w.decided, w.accepted, w.short, w.rejected, w.expired, w.soldOut, d.latency.Quantile(0.99).Milliseconds()))
}

func (d *demo) settle(ctx context.Context, what string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	return settle(ctx, d.client, d.options, d.topology, d.settings.Updates.Window, func(lag int64) {
		d.status(fmt.Sprintf("%s: %d records to go", what, lag))
	})
}

// close stops the node and leaves nothing behind, but topics that somebody may
// still want to look at.
func (d *demo) close() error {
	var errs []error
	d.status("")
	if d.stopNode != nil {
		errs = append(errs, d.stopNode())
	}
	if d.client != nil {
		if d.cmd.Exit && d.broker == nil && d.topology != nil {
			errs = append(errs, deleteApp(d.client, d.topology))
		}
		d.client.Close()
	}
	if d.broker != nil {
		d.broker.Close()
	}
	if d.settings.DataDir != d.app.loaded.DataDir || d.node != nil {
		errs = append(errs, os.RemoveAll(d.settings.DataDir))
	}
	return errors.Join(errs...)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
