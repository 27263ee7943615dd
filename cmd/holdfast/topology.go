package main

import "context"

type topologyCmd struct {
	AppID   string `key:"app_id" help:"Application: begins all names on the cluster." placeholder:"holdfast"`
	Brokers int    `help:"Print it for a cluster of so many brokers." default:"1"`
	Output  string `help:"Text for people, JSON for programs, or a picture in Mermaid's language (${enum})." enum:"text,json,mermaid" default:"text" short:"o"`
}

func (c *topologyCmd) Run(_ context.Context, a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	t, err := s.Topology(c.Brokers)
	if err != nil {
		return usageErrorf("%w", err)
	}
	switch c.Output {
	case "json":
		return a.printJSON(t)
	case "mermaid":
		return t.Draw(a.Stdout)
	}
	return t.Print(a.Stdout)
}
