package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"holdfast/topology"
)

type topicsACLsCmd struct {
	AppID     string   `key:"app_id" help:"Application: begins all names on the cluster." placeholder:"holdfast"`
	For       []string `help:"Only these users: node, operator, audit, loadtest, shop, channel." placeholder:"USER,…"`
	Channel   []string `help:"Shops and readers of these channels only." placeholder:"NAME,…"`
	Principal string   `help:"Principal of a single user, instead of User:<app>-<user> or User:<app>-<user>-<channel>." placeholder:"User:NAME"`
	outputFlag
}

func (c *topicsACLsCmd) Help() string {
	return `A cluster that enforces ACLs needs these rights, for each kind of user: a node; an operator, who creates topics, sends by hand and looks at everything; audit, which only looks; loadtest, a rehearsal; a shop, which sends a channel's orders; a channel, which reads what it is told.

As text they are commands for Kafka's own tool: set ACLS to "kafka-acls.sh --bootstrap-server HOST:PORT --command-config FILE" and give them to a shell. Nothing is asked or changed here.`
}

// grantee is one principal with its rights.
type grantee struct {
	User      topology.User    `json:"user"`
	Channel   string           `json:"channel,omitempty"`
	Principal string           `json:"principal"`
	Rights    []topology.Right `json:"rights"`
}

func (c *topicsACLsCmd) Run(_ context.Context, a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	t, err := s.Topology(1)
	if err != nil {
		return usageErrorf("%w", err)
	}
	list, err := c.grantees(t, s)
	if err != nil {
		return err
	}
	if c.json() {
		return a.printJSON(struct {
			AppID string    `json:"app_id"`
			Users []grantee `json:"users"`
		}{t.AppID, list})
	}
	return printRights(a.Stdout, list)
}

func (c *topicsACLsCmd) grantees(t *topology.Topology, s *Settings) ([]grantee, error) {
	for _, name := range c.For {
		if !slices.Contains(topology.Users(), topology.User(name)) {
			return nil, usageErrorf("--for %s: there are %v", name, topology.Users())
		}
	}
	for _, name := range c.Channel {
		if !slices.Contains(s.Channels, name) {
			return nil, usageErrorf("--channel %s: isn't configured; there are %s", name, strings.Join(s.Channels, ", "))
		}
	}
	channels := s.Channels
	if len(c.Channel) > 0 {
		channels = c.Channel
	}
	var list []grantee
	for _, u := range topology.Users() {
		if len(c.For) > 0 && !slices.Contains(c.For, string(u)) {
			continue
		}
		name := "User:" + t.AppID + "-" + string(u)
		if !u.OfChannel() {
			list = append(list, grantee{u, "", name, t.Rights(u, "", s.Node.Stages)})
			continue
		}
		for _, channel := range channels {
			list = append(list, grantee{u, channel, name + "-" + channel, t.Rights(u, channel, nil)})
		}
	}
	if c.Principal != "" {
		if len(list) != 1 {
			return nil, usageErrorf("--principal %s: is one user's, and this would be %d; --for and --channel choose one", c.Principal, len(list))
		}
		if kind, name, ok := strings.Cut(c.Principal, ":"); !ok || kind == "" || name == "" || strings.ContainsAny(c.Principal, "\r\n") {
			return nil, usageErrorf("--principal %s: must be KIND:NAME, as in User:holdfast", c.Principal)
		}
		list[0].Principal = c.Principal
	}
	return list, nil
}

// printRights writes commands for Kafka's own tool: one for all resources of a
// kind on which the same may be done.
func printRights(w io.Writer, list []grantee) error {
	var b strings.Builder
	b.WriteString("# ACLS=\"kafka-acls.sh --bootstrap-server HOST:PORT --command-config FILE\"\n")
	for i := range list {
		g := &list[i]
		fmt.Fprintf(&b, "\n# %s\n", userDoc(g.User, g.Channel))
		for _, command := range rightCommands(g.Rights) {
			fmt.Fprintf(&b, "$ACLS --add --allow-principal %s%s\n", shellWord(g.Principal), command)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func userDoc(u topology.User, channel string) string {
	switch u {
	case topology.UserNode:
		return "node: holdfast run"
	case topology.UserOperator:
		return "operator: topics, send, dlq, state, and everything that looks"
	case topology.UserAudit:
		return "audit: audit, explain, stock, status, tail, dlq ls and show"
	case topology.UserLoadtest:
		return "loadtest: loadtest run"
	case topology.UserShop:
		return "shop: sends orders of " + channel
	case topology.UserChannel:
		return "channel: reads status and stock of " + channel
	}
	panic("BUG: no user " + string(u))
}

func rightCommands(rights []topology.Right) []string {
	type thing struct {
		resource topology.Resource
		name     string
		prefixed bool
	}
	var things []thing
	operations := map[thing]string{}
	for i := range rights {
		r := &rights[i]
		on := thing{r.Resource, r.Name, r.Prefixed}
		if _, known := operations[on]; !known {
			things = append(things, on)
		}
		operations[on] += " --operation " + toolWord(string(r.Operation))
	}
	var commands []string
	type kind struct {
		resource   topology.Resource
		prefixed   bool
		operations string
	}
	at := map[kind]int{}
	names := map[kind]string{}
	var kinds []kind
	for _, on := range things {
		k := kind{on.resource, on.prefixed, operations[on]}
		if _, known := at[k]; !known {
			at[k] = len(kinds)
			kinds = append(kinds, k)
		}
		names[k] += " --" + strings.ToLower(strings.ReplaceAll(string(on.resource), "_", "-")) + " " + shellWord(on.name)
	}
	for _, k := range kinds {
		pattern := ""
		if k.prefixed {
			pattern = " --resource-pattern-type prefixed"
		}
		commands = append(commands, k.operations+pattern+names[k])
	}
	return commands
}

// toolWord is how Kafka's tool spells an operation: DescribeConfigs.
func toolWord(operation string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(operation, "_") {
		b.WriteString(part[:1] + strings.ToLower(part[1:]))
	}
	return b.String()
}
