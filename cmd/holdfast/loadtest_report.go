package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"holdfast/loadtest/report"
)

type loadtestReportCmd struct {
	Results []string `arg:"" name:"file" help:"Results of loadtest run." type:"path" placeholder:"FILE.json"`
	HTML    string   `name:"html" help:"Write FILE.html, and FILE.LATENCY.hgrm for each latency, into this directory." type:"path" placeholder:"DIR"`
}

func (c *loadtestReportCmd) Help() string {
	return "Without --html the reports are printed. An HTML report is one file that needs no network. A .hgrm file is a latency's distribution for HdrHistogram's plotters."
}

func (c *loadtestReportCmd) Run(_ context.Context, a *app) error {
	drawn := map[string]string{}
	for i, path := range c.Results {
		r, err := readResult(path)
		if err != nil {
			return err
		}
		if c.HTML == "" {
			if i > 0 {
				fmt.Fprintln(a.Stdout)
			}
			if err := r.WriteText(a.Stdout); err != nil {
				return err
			}
			continue
		}
		base := strings.TrimSuffix(filepath.Base(path), ".json")
		if other := drawn[base]; other != "" {
			return usageErrorf("%s and %s would both be drawn to %s.html: draw them into two directories", other, path, base)
		}
		drawn[base] = path
		files, err := r.Draw(c.HTML, base)
		for _, f := range files {
			fmt.Fprintln(a.Stdout, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type loadtestCompareCmd struct {
	outputFlag
	A     string `arg:"" help:"The result to hold against." type:"path" placeholder:"A.json"`
	B     string `arg:"" help:"The result that is judged." type:"path" placeholder:"B.json"`
	Worse string `help:"By how much a figure must be worse, beside being out of the noise." default:"10%" placeholder:"10%"`
	HTML  string `name:"html" help:"Write the comparison as one HTML file too." type:"path" placeholder:"FILE"`
}

func (c *loadtestCompareCmd) Help() string {
	return "Each figure of both runs with its change and what is taken for noise. Exit code 3 when something regressed: a figure is worse by more than --worse and more than noise, a threshold or the audit no longer passes, or GO became NO-GO."
}

func (c *loadtestCompareCmd) Run(_ context.Context, a *app) error {
	worse, err := parsePercent(c.Worse)
	config := report.CompareConfig{Worse: worse}
	if err == nil {
		err = config.Validate()
	}
	if err != nil {
		return usageErrorf("--worse %s: %w", c.Worse, err)
	}
	first, err := readResult(c.A)
	if err != nil {
		return err
	}
	second, err := readResult(c.B)
	if err != nil {
		return err
	}
	compared := report.Compare(first, second, config)
	if c.HTML != "" {
		if err := report.WriteFile(c.HTML, compared.WriteHTML); err != nil {
			return err
		}
	}
	if c.json() {
		err = a.printJSON(compared)
	} else {
		err = compared.WriteText(a.Stdout)
	}
	if err == nil && compared.Regressed {
		err = violationErrorf("%s", compared.Conclusion())
	}
	return err
}

func readResult(path string) (*report.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usageErrorf("%w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	r, err := report.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

var errPercent = errors.New("must be a share such as 10% or 0.1")

// parsePercent reads 10% and 0.1 as the same.
func parsePercent(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil {
		return 0, errPercent
	}
	if percent {
		x /= 100
	}
	return x, nil
}
