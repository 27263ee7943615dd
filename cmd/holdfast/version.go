package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{ outputFlag }

// build is what the binary knows of itself.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from files that weren't committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func readBuild() build {
	b := build{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	revision := ""
	if b.Revision != "" {
		revision = ", revision " + b.Revision
		if b.Modified {
			revision += " with changes"
		}
	}
	return fmt.Sprintf("holdfast %s%s, %s %s", b.Version, revision, b.Go, b.Platform)
}

func (c *versionCmd) Run(_ context.Context, a *app) error {
	b := readBuild()
	if c.json() {
		return a.printJSON(b)
	}
	_, err := fmt.Fprintln(a.Stdout, b)
	return err
}
