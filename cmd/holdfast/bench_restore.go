package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"holdfast/loadtest/bench"
)

type benchRestoreCmd struct {
	benchFlags
	Holds     int  `help:"Holds that are open." default:"4000000"`
	Turnover  int  `help:"Then release so many of them, each for a new one: the changelog grows towards its bound, the state doesn't." default:"0"`
	Workers   int  `help:"Workers of the stage, while the changelog is filled and while it is restored." default:"2"`
	InProcess bool `help:"Restore in this process, whose peak memory then is that of filling the changelog, if that is more."`
}

// benchRestoredCmd is the process that restores.
type benchRestoredCmd struct {
	benchFlags
	App     string `help:"Application whose changelog is restored." required:""`
	Dir     string `help:"Empty directory for the stores." required:""`
	Workers int    `help:"Workers of the stage." default:"2"`
}

func (c *benchRestoreCmd) Help() string {
	return "The inventory stage makes holds, as in production, and is ended. Then all partitions are restored at once from an empty directory, by a node in a process of its own, whose time, CPU and peak memory are reported. At the end the restored stores must hold what the first node's hold. --profile is of the process that restores."
}

func (c *benchRestoreCmd) Run(ctx context.Context, a *app) error {
	config := bench.RestoreConfig{Turnover: c.Turnover, Config: bench.Config{
		Lines: c.Holds, SKUs: c.skus(), Zipf: c.Zipf, Warehouses: 1, Workers: c.Workers, AcceptAll: true, LinesPerRecord: linesPerRecordUnderLoad, Seed: 1,
	}}
	if err := config.Validate(); err != nil {
		return usageErrorf("%w", err)
	}
	flags := c.benchFlags
	if !c.InProcess {
		flags.CPUProfile, flags.Profile = "", "" // the other process'
	}
	return a.bench(ctx, &flags, func(ctx context.Context, g *benchGround) (bench.Result, error) {
		config := config
		g.describe(a, &config.Config)
		config.Progress = a.progress("records of holds decided")
		config.Restore = func(ctx context.Context, dir string) (bench.Restored, error) {
			if c.InProcess {
				once := config.Config
				once.DataDir = dir
				return bench.RestoreOnce(ctx, once)
			}
			return c.spawn(ctx, a, g, dir)
		}
		return bench.Restore(ctx, config)
	}, nil)
}

// linesPerRecordUnderLoad is what the stage before packs into one record, about.
const linesPerRecordUnderLoad = 500

// spawn restores in a process of its own.
func (c *benchRestoreCmd) spawn(ctx context.Context, a *app, g *benchGround, dir string) (r bench.Restored, err error) {
	program, err := os.Executable()
	if err != nil {
		return r, fmt.Errorf("finding this program: %w", err)
	}
	args := []string{"bench", "restored", "--output=json", "--app=" + g.settings.AppID, "--dir=" + dir,
		"--workers=" + strconv.Itoa(c.Workers), "--partitions=" + strconv.Itoa(c.Partitions), "--timeout=" + c.Timeout.String()}
	if c.CPUProfile != "" {
		args = append(args, "--cpu-profile="+c.CPUProfile)
	}
	if c.Profile != "" {
		args = append(args, "--profile="+c.Profile)
	}
	if a.sources.file != "" {
		args = append(args, "--config="+a.sources.file)
	}
	for _, key := range slices.Sorted(maps.Keys(a.sources.flags)) {
		args = append(args, "--set="+key+"="+flagText(a.sources.flags[key]))
	}
	cmd := exec.CommandContext(ctx, program, args...)
	var out bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = a.Environ, &out, a.Stderr
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("the process that restores: %w", err)
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return r, fmt.Errorf("what the process that restores said: %w", err)
	}
	return r, nil
}

// flagText is a flag's value as it is written on the command line.
func flagText(value any) string {
	if list, ok := value.([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(value)
}

func (c *benchRestoredCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.settings()
	if err != nil {
		return err
	}
	tuneMemory(a.Environ)
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	g, err := newBenchGround(s, c.App, c.Partitions)
	if err != nil {
		return usageErrorf("%w", err)
	}
	g.settings.DataDir = c.Dir
	cl, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	if g.known, err = checkCluster(ctx, cl, g.topology); err != nil {
		return err
	}
	config := bench.Config{Lines: 1, SKUs: 1, Warehouses: 1, Workers: c.Workers, LinesPerRecord: 1}
	g.describe(a, &config)
	stop, err := startProfiles(&c.benchFlags)
	if err != nil {
		return err
	}
	r, err := bench.RestoreOnce(ctx, config)
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	return a.printJSON(r)
}
