package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// commands is the command line. A command is a struct of its flags and arguments
// with a method Run(context.Context, *app) error, in a file of its name; this
// list is the only other place that knows it. A flag with a tag `key` overrides
// the setting of that key.
type commands struct {
	Config    string           `help:"Configuration file (YAML); or HOLDFAST_CONFIG in the environment." placeholder:"FILE" group:"global"`
	Set       []string         `help:"Override any setting: --set orders.keep_closed=1d. Can be repeated." placeholder:"KEY=VALUE" sep:"none" group:"global"`
	LogLevel  string           `key:"log.level" help:"debug, info, warn or error." placeholder:"info" group:"global"`
	LogFormat string           `key:"log.format" help:"text or json, on standard error." placeholder:"text" group:"global"`
	Version   kong.VersionFlag `help:"Print the version." group:"global"`

	Node     runCmd      `cmd:"" name:"run" group:"run" help:"Run a node."`
	Demo     demoCmd     `cmd:"" group:"run" help:"Run an 11.11 sale in one process, and audit it."`
	Broker   brokerCmd   `cmd:"" group:"run" help:"Run the embedded broker alone."`
	Topology topologyCmd `cmd:"" group:"setup" help:"Print topics and stages."`
	Topics   topicsCmd   `cmd:"" group:"setup" help:"Compare the topics of a cluster with what there must be, or create them."`
	Schema   schemaCmd   `cmd:"" group:"setup" help:"Print the JSON Schema of a public topic's records."`
	Settings configCmd   `cmd:"" name:"config" group:"setup" help:"Print, check or explain the configuration."`
	Send     sendCmd     `cmd:"" group:"data" help:"Send JSON lines or a payload file to a public topic."`
	Tail     tailCmd     `cmd:"" group:"data" help:"Print any topic, decoded, one JSON object a line."`
	DLQ      dlqCmd      `cmd:"" name:"dlq" group:"data" help:"List, show, replay or discard dead letters."`
	State    stateCmd    `cmd:"" group:"measure" help:"Look into the stores of a stopped node."`
	Explain  explainCmd  `cmd:"" group:"data" help:"Tell the story of an order or a SKU."`
	Stock    stockCmd    `cmd:"" group:"data" help:"Show where a SKU stands: by warehouse, by shop, and who waits."`
	Status   statusCmd   `cmd:"" group:"data" help:"Show who has which partition, and how far behind it is."`
	Audit    auditCmd    `cmd:"" group:"measure" help:"Prove from the logs that no unit was promised twice."`
	Sim      simCmd      `cmd:"" group:"measure" help:"Simulate crashes and faults by seeds, and judge each run."`
	Bench    benchCmd    `cmd:"" group:"measure" help:"Measure speed on a cluster, with topics of its own."`
	Loadtest loadtestCmd `cmd:"" group:"measure" help:"Load a system as a scenario says, and judge, draw and compare what came of it."`
	About    versionCmd  `cmd:"" name:"version" group:"setup" help:"Print version and build."`
}

func commandGroups() []kong.Group {
	return []kong.Group{
		{Key: "run", Title: "Run"},
		{Key: "setup", Title: "Set up"},
		{Key: "data", Title: "Send and look"},
		{Key: "measure", Title: "Check and measure"},
		{Key: "cluster", Title: "Kafka"},
		{Key: "global", Title: "For all commands"},
	}
}

// Process is what a command has of the process that it runs in.
type Process struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string // NAME=value
}

// app is what commands work with.
type app struct {
	Process
	log     *slog.Logger
	kong    *kong.Kong
	sources settingSources
	loaded  *Settings
}

// clusterFlags belong to every command that talks to Kafka.
type clusterFlags struct {
	Brokers        []string `key:"kafka.brokers" help:"Brokers of the cluster." placeholder:"HOST:PORT" group:"cluster"`
	AppID          string   `key:"app_id" help:"Application: begins all names on the cluster." placeholder:"holdfast" group:"cluster"`
	ConnectTimeout string   `key:"kafka.connect_timeout" help:"How long to wait for a broker that doesn't answer." placeholder:"30s" group:"cluster"`
}

// outputFlag belongs to every command with something to tell.
type outputFlag struct {
	Output string `help:"Text for people or JSON for programs (${enum})." enum:"text,json" default:"text" short:"o"`
}

func (o outputFlag) json() bool { return o.Output == "json" }

// Run runs one command line and returns the exit code. It is the whole program
// but for the process around it.
func Run(ctx context.Context, args []string, p Process) int {
	a := &app{Process: p}
	a.log = slog.New(slog.NewTextHandler(p.Stderr, nil))
	err := a.run(ctx, args)
	code, message := exitCode(ctx, err)
	if isDenied(err) {
		message += "\n" + rightsHint
	}
	if message != "" {
		fmt.Fprintf(p.Stderr, "holdfast: %s\n", message)
	}
	return code
}

func (a *app) run(ctx context.Context, args []string) error {
	exited := false // --help and --version were all there was to do
	k, err := a.parser(&commands{}, func(int) { exited = true })
	if err != nil {
		panic("BUG: the command line's definition: " + err.Error())
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := k.Parse(args)
	if exited {
		return nil
	}
	if err != nil {
		return usageErrorf("%w (%s --help tells more)", err, commandOf(parsed, err))
	}
	if err := a.readFlags(parsed); err != nil {
		return err
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(a)
}

func (a *app) parser(c *commands, exit func(int)) (*kong.Kong, error) {
	k, err := kong.New(c,
		kong.Name("holdfast"),
		kong.Description("Order and inventory stream processor: orders in through Kafka, stock promised exactly once, never twice."),
		kong.Vars{"version": readBuild().String()},
		kong.Writers(a.Stdout, a.Stderr),
		kong.Exit(exit),
		kong.ExplicitGroups(commandGroups()),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: true, WrapUpperBound: 110}),
	)
	a.kong = k
	return k, err
}

// commandOf names the command that was being parsed, for the hint behind an
// error.
func commandOf(parsed *kong.Context, err error) string {
	if e, ok := err.(*kong.ParseError); ok { //nolint:errorlint // kong returns it bare
		parsed = e.Context
	}
	if parsed == nil || parsed.Selected() == nil {
		return "holdfast"
	}
	return "holdfast " + parsed.Selected().Path()
}

// readFlags notes which settings the command line overrides. A flag counts only
// where it was given, so that its default can't hide the file's value.
func (a *app) readFlags(parsed *kong.Context) error {
	from := settingSources{environ: a.Environ, flags: map[string]any{}, flagOf: map[string]string{}}
	for _, p := range parsed.Path {
		if p.Flag == nil {
			continue
		}
		switch value := parsed.FlagValue(p.Flag).(type) {
		case string:
			if p.Flag.Name == "config" {
				from.file = value
			} else {
				from.note(p.Flag, value)
			}
		case []string:
			if p.Flag.Name == "set" {
				if err := from.set(value); err != nil {
					return err
				}
			} else {
				from.note(p.Flag, value)
			}
		default:
			from.note(p.Flag, value)
		}
	}
	if from.file == "" {
		from.file = lookupEnv(a.Environ, "HOLDFAST_CONFIG")
	}
	a.sources = from
	return nil
}

func (f *settingSources) note(flag *kong.Flag, value any) {
	if key := flag.Tag.Get("key"); key != "" {
		f.flags[key], f.flagOf[key] = value, "--"+flag.Name
	}
}

func (f *settingSources) set(pairs []string) error {
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			// Not all of it: what is behind the key may be a secret.
			return usageErrorf("--set %s: must be KEY=VALUE", keyBefore(pair))
		}
		f.flags[key], f.flagOf[key] = value, "--set"
	}
	return nil
}

// keyBefore returns the beginning of text that could be a setting's key.
func keyBefore(text string) string {
	key := strings.TrimLeft(text, "abcdefghijklmnopqrstuvwxyz_.")
	if key == "" {
		return text
	}
	return strings.TrimSuffix(text, key) + "…"
}

func lookupEnv(environ []string, name string) string {
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// settings loads the configuration once, and logs from then on as it says.
func (a *app) settings() (*Settings, error) {
	if a.loaded != nil {
		return a.loaded, nil
	}
	s, err := LoadSettings(a.sources)
	if err != nil {
		return nil, usageErrorf("%w", err)
	}
	a.loaded = s
	a.log = newLogger(a.Stderr, &s.Log)
	for _, w := range s.Warnings() {
		a.log.Warn(w)
	}
	return s, nil
}

func newLogger(to io.Writer, s *LogSettings) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.Level)); err != nil {
		panic("BUG: log level that was validated: " + err.Error())
	}
	o := &slog.HandlerOptions{Level: level}
	if s.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, o))
	}
	return slog.New(slog.NewTextHandler(to, o))
}

// printJSON writes v to standard output, indented: the one answer of a command.
func (a *app) printJSON(v any) error {
	return encodeJSON(a.Stdout, v, "  ")
}

// onTerminal tells whether standard error is looked at by somebody: progress is
// for them only.
func (a *app) onTerminal() bool {
	f, ok := a.Stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
