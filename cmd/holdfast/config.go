package main

import (
	"context"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

type configCmd struct {
	Print     configPrintCmd     `cmd:"" help:"Print all settings as a configuration file, with where each value comes from."`
	Check     configCheckCmd     `cmd:"" help:"Check the configuration, and name all that is wrong with it."`
	Reference configReferenceCmd `cmd:"" help:"Print all settings that there are, as a Markdown table."`
}

type configPrintCmd struct{ outputFlag }

func (c *configPrintCmd) Run(_ context.Context, a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	if c.json() {
		return a.printJSON(s.JSON())
	}
	_, err = io.WriteString(a.Stdout, s.YAML())
	return err
}

type configCheckCmd struct{ outputFlag }

func (c *configCheckCmd) Run(_ context.Context, a *app) error {
	s, err := LoadSettings(a.sources)
	if c.json() {
		report := struct {
			OK       bool     `json:"ok"`
			Problems []string `json:"problems"`
			Warnings []string `json:"warnings"`
		}{err == nil, problems(err), []string{}}
		if s != nil {
			report.Warnings = append(report.Warnings, s.Warnings()...)
		}
		if err := a.printJSON(report); err != nil {
			return err
		}
	}
	if err != nil {
		return usageErrorf("%w", err)
	}
	if c.json() {
		return nil
	}
	for _, w := range s.Warnings() {
		fmt.Fprintf(a.Stdout, "warning: %s\n", w)
	}
	_, err = fmt.Fprintln(a.Stdout, "the configuration is good")
	return err
}

// problems takes joined errors apart.
func problems(err error) []string {
	list := []string{}
	if err == nil {
		return list
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			list = append(list, problems(e)...)
		}
		return list
	}
	return append(list, err.Error())
}

type configReferenceCmd struct{}

func (c *configReferenceCmd) Run(_ context.Context, a *app) error {
	_, err := io.WriteString(a.Stdout, settingsReference(flagsOfSettings(a.kong.Model.Node)))
	return err
}

// flagsOfSettings returns the flag that overrides a setting, by key.
func flagsOfSettings(n *kong.Node) map[string]string {
	flags := map[string]string{}
	var visit func(*kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			if key := f.Tag.Get("key"); key != "" {
				flags[key] = "--" + f.Name
			}
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(n)
	return flags
}
