package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"holdfast/topology"
)

// grantedRights is what the command prints as JSON.
type grantedRights struct {
	AppID string `json:"app_id"`
	Users []grantee
}

func TestACLsCommand(t *testing.T) {
	h := &harness{t: t}
	args := []string{"topics", "acls", "--app-id", "shop", "--set", "channels=web,pos"}
	printed := func(more ...string) grantedRights {
		return decodeJSON[grantedRights](t, h.good(append(append(args, "-o", "json"), more...)...))
	}
	all := printed()
	require.Equal(t, "shop", all.AppID)
	var principals []string
	for _, g := range all.Users {
		principals = append(principals, g.Principal)
		require.NotEmpty(t, g.Rights)
	}
	require.Equal(t, []string{"User:shop-node", "User:shop-operator", "User:shop-audit", "User:shop-loadtest",
		"User:shop-shop-web", "User:shop-shop-pos", "User:shop-channel-web", "User:shop-channel-pos"}, principals)
	one := printed("--for", "shop", "--channel", "pos", "--principal", "User:CN=till,O=Shop")
	require.Len(t, one.Users, 1)
	require.Equal(t, "User:CN=till,O=Shop", one.Users[0].Principal)
	require.Equal(t, []topology.Right{{Resource: topology.ResourceTopic, Name: "shop.channel.pos.orders", Operation: topology.OperationWrite, Why: "sends orders"}}, one.Users[0].Rights)

	text := h.good(args...)
	for _, want := range []string{
		"\n# node: holdfast run\n",
		"$ACLS --add --allow-principal User:shop-node --operation Read --operation Write --operation DescribeConfigs --resource-pattern-type prefixed --topic shop.\n",
		"$ACLS --add --allow-principal User:shop-node --operation Delete --resource-pattern-type prefixed --topic shop.changelog.\n",
		"$ACLS --add --allow-principal User:shop-node --operation Read --group shop.intake --group shop.orders --group shop.inventory --group shop.channels\n",
		"$ACLS --add --allow-principal User:shop-node --operation Write --resource-pattern-type prefixed --transactional-id shop.\n",
		"$ACLS --add --allow-principal User:shop-shop-web --operation Write --topic shop.channel.web.orders\n",
		"$ACLS --add --allow-principal User:shop-channel-pos --operation Read --topic shop.channel.pos.status --topic shop.channel.pos.stock\n",
		"$ACLS --add --allow-principal User:shop-channel-pos --operation Read --resource-pattern-type prefixed --group shop.channel.pos.\n",
	} {
		require.Contains(t, text, want)
	}
	require.Contains(t, h.good(append(args, "--for", "node", "--principal", "User:CN=a b")...), "--allow-principal 'User:CN=a b' ")
	for want, more := range map[string][]string{
		"--for nobody: there are [node operator audit loadtest shop channel]": {"--for", "nobody"},
		"--channel x: isn't configured; there are web, pos":                   {"--channel", "x"},
		"is one user's, and this would be 2":                                  {"--for", "shop", "--principal", "User:x"},
		"must be KIND:NAME":                                                   {"--for", "node", "--principal", "x"},
	} {
		require.Contains(t, h.bad(exitUsage, append(args, more...)...), want)
	}
}

// secured is an application on a broker that allows nothing but what it is told:
// an administrator, and a user of each kind.
type secured struct {
	t       *testing.T
	app     string
	brokers string
	common  []string                   // of every command
	admin   *kadm.Client               // as the administrator
	environ func(name string) []string // of the user
	rights  map[string][]topology.Right
}

// users are those of a test: one of each kind, of the channel web.
func (s *secured) users() []string {
	var names []string
	for _, u := range topology.Users() {
		names = append(names, s.app+"-"+string(u))
	}
	return names
}

// grantAll gives every user exactly the rights that the command prints.
func (s *secured) grantAll() {
	s.t.Helper()
	h := &harness{t: s.t}
	s.rights = map[string][]topology.Right{}
	for i, u := range topology.Users() {
		args := []string{"topics", "acls", "-o", "json", "--app-id", s.app, "--set", "channels=web", "--for", string(u), "--principal", "User:" + s.users()[i]}
		list := decodeJSON[grantedRights](s.t, h.good(args...)).Users
		require.Len(s.t, list, 1)
		s.rights[s.users()[i]] = list[0].Rights
		for _, r := range list[0].Rights {
			s.grant(s.users()[i], r)
		}
	}
}

func (s *secured) grant(user string, r topology.Right) {
	s.t.Helper()
	results, err := s.admin.CreateACLs(s.t.Context(), s.builder(user, r))
	require.NoError(s.t, err)
	require.Len(s.t, results, 1)
	require.NoError(s.t, results[0].Err)
}

func (s *secured) revoke(user string, r topology.Right) {
	s.t.Helper()
	results, err := s.admin.DeleteACLs(s.t.Context(), s.builder(user, r))
	require.NoError(s.t, err)
	require.Len(s.t, results, 1)
	require.NoError(s.t, results[0].Err)
	require.Len(s.t, results[0].Deleted, 1, "%s of %s", r.String(), user)
}

func (s *secured) builder(user string, r topology.Right) *kadm.ACLBuilder {
	s.t.Helper()
	operation, err := kmsg.ParseACLOperation(string(r.Operation))
	require.NoError(s.t, err)
	b := kadm.NewACLs().Allow("User:" + user).AllowHosts().Operations(operation).ResourcePatternType(kadm.ACLPatternLiteral)
	if r.Prefixed {
		b.ResourcePatternType(kadm.ACLPatternPrefixed)
	}
	switch r.Resource {
	case topology.ResourceTopic:
		b.Topics(r.Name)
	case topology.ResourceGroup:
		b.Groups(r.Name)
	case topology.ResourceTransactionalID:
		b.TransactionalIDs(r.Name)
	default:
		s.t.Fatalf("resource %s", r.Resource)
	}
	return b
}

// as is the harness of a user.
func (s *secured) as(u topology.User) *harness {
	return &harness{t: s.t, environ: append(s.environ(s.app+"-"+string(u)), s.common...)}
}

// kfakeSecured is a broker in the process with SCRAM and ACLs.
func kfakeSecured(t *testing.T) *secured {
	s := &secured{t: t, app: "shop"}
	opts := []kfake.Opt{kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-512", "admin", "admin-secret")}
	for _, name := range s.users() {
		opts = append(opts, kfake.User("SCRAM-SHA-512", name, name+"-secret"))
	}
	s.brokers = kfakeAt(t, "127.0.0.1:0", opts...).ListenAddrs()[0]
	client, err := kgo.NewClient(kgo.SeedBrokers(s.brokers), kgo.SASL(scram.Auth{User: "admin", Pass: "admin-secret"}.AsSha512Mechanism()))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	s.admin = kadm.NewClient(client)
	s.environ = func(name string) []string {
		return []string{"KAFKA_BROKERS=" + s.brokers, "KAFKA_SASL_MECHANISM=SCRAM-SHA-512", "KAFKA_SASL_USERNAME=" + name, "KAFKA_SASL_PASSWORD=" + name + "-secret"}
	}
	s.common = []string{"HOLDFAST_APP_ID=" + s.app, "HOLDFAST_CHANNELS=web", "HOLDFAST_TOPICS_LOG_PARTITIONS=2", "HOLDFAST_TOPICS_PUBLIC_PARTITIONS=1", "HOLDFAST_KAFKA_CONNECT_TIMEOUT=2s"}
	return s
}

// TestRightsSuffice: with exactly the rights that are printed, each user does all
// that it is there for.
func TestRightsSuffice(t *testing.T) {
	s := kfakeSecured(t)
	s.grantAll()
	s.smallSale()
}

// smallSale is a shop's evening: topics, tables and stock by the operator, orders
// by the shop, a node in between, a channel that reads, and an audit.
func (s *secured) smallSale() {
	t := s.t
	operator, audit := s.as(topology.UserOperator), s.as(topology.UserAudit)
	operator.good("topics", "apply")
	node := s.as(topology.UserNode).startNode(t.TempDir())
	operator.sendText(`{"id":"HCM-1"}`, "warehouses", "--wait")
	operator.sendText(`{"event_id":"s-1","type":"stock.count","sku":"TEE","warehouse":"HCM-1","qty":5}`, "stock.feed", "--wait")
	var orders []string
	for i := range 4 {
		orders = append(orders, fmt.Sprintf(`{"holdfast":1,"event_id":"e-%d","type":"order.created","order_id":"W-%d","order":{"payment":"prepaid","currency":"VND","total_minor":1,"lines":[{"line":"1","sku":"TEE","qty":2,"unit_price_minor":1}]}}`, i, i))
	}
	s.as(topology.UserShop).sendText(strings.Join(append(orders, "broken"), "\n"), "channel.web.orders")
	require.Contains(t, audit.good("audit", "--settle", "--settle-timeout", "30s"), "PASS")
	status := map[any]int{}
	for _, line := range tailedLines(t, audit.good("tail", "order.events")) {
		status[line.field("status")]++
	}
	require.Equal(t, map[any]int{"allocated": 2, "rejected": 2}, status)
	require.Len(t, tailedLines(t, audit.good("tail", "dlq")), 1)
	audit.good("status", "--admin", "127.0.0.1:1")
	require.Contains(t, audit.good("explain", "web/main/W-0"), "W-0")
	audit.good("stock", "TEE")
	audit.good("dlq", "ls")
	require.Contains(t, operator.good("dlq", "replay", "--all", "--force", "--yes"), "1 letter replayed")
	operator.good("dlq", "discard", "--all", "--yes", "--because", "broken on purpose")

	channel := s.as(topology.UserChannel)
	require.NotEmpty(t, tailedLines(t, channel.good("tail", "channel.web.stock")))
	require.Contains(t, channel.bad(exitFailed, "tail", "order.events"), "not allowed: ")
	require.Contains(t, s.as(topology.UserShop).bad(exitFailed, "tail", "channel.web.orders"), "not allowed: READ on topic "+s.app+".channel.web.orders")
	require.Contains(t, audit.bad(exitFailed, "send", "-t", "stock.feed", writeFile(t, "stock.feed.jsonl", "{}")), "not allowed: WRITE on topic "+s.app+".stock.feed")
	node.stop()
}

func tailedLines(t *testing.T, text string) (lines []tailed) {
	for line := range strings.Lines(text) {
		lines = append(lines, decodeJSON[tailed](t, line))
	}
	return lines
}

// TestMissingRightIsNamed: whichever right of a node is taken away, it doesn't
// start, and says which one is missing.
func TestMissingRightIsNamed(t *testing.T) {
	s := kfakeSecured(t)
	s.grantAll()
	s.as(topology.UserOperator).good("topics", "apply")
	s.missingNodeRights()
	s.missingOperatorRights()
}

func (s *secured) missingNodeRights() {
	t, user := s.t, s.app+"-"+string(topology.UserNode)
	for _, r := range s.rights[user] {
		s.revoke(user, r)
		n := s.as(topology.UserNode).startNode(t.TempDir())
		require.Equal(t, exitFailed, n.ended(), "without %s", r.String())
		said := n.log.String()
		require.Contains(t, said, "not allowed: "+string(r.Operation)+" on "+strings.ToLower(strings.ReplaceAll(string(r.Resource), "_", " "))+" ", "without %s", r.String())
		require.Contains(t, said, r.Name, "without %s", r.String())
		require.Contains(t, said, rightsHint)
		s.grant(user, r)
	}
}

func (s *secured) missingOperatorRights() {
	t, user := s.t, s.app+"-"+string(topology.UserOperator)
	of := func(o topology.Operation, name string) topology.Right {
		i := slices.IndexFunc(s.rights[user], func(r topology.Right) bool { return r.Operation == o && r.Name == name })
		require.GreaterOrEqual(t, i, 0)
		return s.rights[user][i]
	}
	for _, c := range []struct {
		right topology.Right
		want  string
		args  []string
	}{
		{of(topology.OperationDescribeConfigs, s.app+"."), "DESCRIBE_CONFIGS on topic " + s.app + ".", []string{"topics", "plan"}},
		{of(topology.OperationWrite, s.app+".stock.feed"), "WRITE on topic " + s.app + ".stock.feed", []string{"send", "-t", "stock.feed", writeFile(t, "f", "{}")}},
		{of(topology.OperationDescribe, s.app+".orders"), "DESCRIBE on group " + s.app + ".orders", []string{"status", "--admin", "127.0.0.1:1"}},
		{of(topology.OperationCreate, s.app+"."), "CREATE on topic " + s.app + ".channel.new.orders", []string{"topics", "apply", "--set", "channels=web,new"}},
	} {
		s.revoke(user, c.right)
		errout := s.as(topology.UserOperator).bad(exitFailed, c.args...)
		require.Contains(t, errout, "not allowed: "+c.want, "without %s", c.right.String())
		require.Contains(t, errout, rightsHint)
		s.grant(user, c.right)
	}
}
