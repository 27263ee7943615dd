package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDefaultsAreGood(t *testing.T) {
	s, err := LoadSettings(settingSources{})
	require.NoError(t, err)
	require.Empty(t, s.Warnings())
	want := DefaultSettings()
	want.from = s.from
	require.Equal(t, want, *s)
}

func TestEverySettingIsDocumented(t *testing.T) {
	names, envs := map[string]bool{}, map[string]bool{}
	for _, k := range settingKeys() {
		require.Regexp(t, `^[a-z_]+(\.[a-z_]+)*$`, k.name)
		require.Regexp(t, `^\S.*[.]$`, k.doc, "%s: a sentence for users", k.name)
		require.NotContains(t, k.doc, "|", k.name)
		require.False(t, names[k.name], k.name)
		names[k.name] = true
		for _, e := range k.envs {
			require.Regexp(t, `^(HOLDFAST|KAFKA)_[A-Z0-9_]+$`, e)
			require.False(t, envs[e], "%s: %s names another setting too", k.name, e)
			envs[e] = true
		}
	}
	h := &harness{t: t}
	reference := h.good("config", "reference")
	for name := range names {
		require.Contains(t, reference, "| `"+name+"` |")
	}
	require.Contains(t, reference, "| `--brokers` |")
	require.Contains(t, reference, "`HOLDFAST_KAFKA_BROKERS` `KAFKA_BROKERS`")
	require.Contains(t, reference, "| `orders.keep_closed` | `7d` |")
}

func TestSourcesOverrideEachOther(t *testing.T) {
	h := &harness{t: t}
	config := writeFile(t, "holdfast.yaml", `
app_id: from-file
channels: [web, shopee]
kafka:
  brokers: [file:1, file:2]
  client_id: from-file
  sasl:
orders: {}
state: {cache_bytes: 128MiB, sweep_share: 1}
workers: {inventory: 3}
node: {leave: true}
updates: {window: 1d}
`)
	get := func(args ...string) map[string]any {
		return decodeJSON[map[string]any](t, h.good(append(args, "config", "print", "--output", "json")...))
	}
	bad := writeFile(t, "bad.yaml", "updates: {window: 1d}")
	require.Contains(t, h.bad(exitUsage, "--config", bad, "config", "print"), "updates.window: 1d, must be 1ms to 1m")
	require.NoError(t, os.WriteFile(config, []byte(strings.ReplaceAll(readFile(t, config), "window: 1d", "window: 30s")), 0o600))

	got := get("--config", config)
	require.Equal(t, "from-file", got["app_id"])
	require.Equal(t, []any{"web", "shopee"}, got["channels"])
	require.Equal(t, "128MiB", got["state"].(map[string]any)["cache_bytes"])
	require.Equal(t, 1.0, got["state"].(map[string]any)["sweep_share"])
	require.Equal(t, 3.0, got["workers"].(map[string]any)["inventory"])
	require.Equal(t, true, got["node"].(map[string]any)["leave"])
	kafka := got["kafka"].(map[string]any)
	require.Equal(t, []any{"file:1", "file:2"}, kafka["brokers"])

	h.environ = []string{"HOLDFAST_CONFIG=" + config, "KAFKA_BROKERS=kafka:1, kafka:2", "HOLDFAST_APP_ID=", "HOLDFAST_SERVICE_HOST=10.0.0.1", "HOLDFAST_CHANNELS=pos"}
	got = get()
	require.Equal(t, "from-file", got["app_id"], "an empty variable is as good as none")
	require.Equal(t, []any{"pos"}, got["channels"])
	require.Equal(t, []any{"kafka:1", "kafka:2"}, got["kafka"].(map[string]any)["brokers"])
	for _, order := range [][]string{{"KAFKA_BROKERS=kafka:1", "HOLDFAST_KAFKA_BROKERS=ours:1"}, {"HOLDFAST_KAFKA_BROKERS=ours:1", "KAFKA_BROKERS=kafka:1"}} {
		h.environ = append([]string{"HOLDFAST_CONFIG=" + config}, order...)
		require.Equal(t, []any{"ours:1"}, get()["kafka"].(map[string]any)["brokers"])
	}
	require.Equal(t, "from-flag", get("--set", "app_id=from-flag")["app_id"])
	require.Equal(t, []any{"a", "b"}, get("--set", "channels=a,b")["channels"])
	require.Equal(t, "from-file", decodeJSON[struct {
		AppID string `json:"app_id"`
	}](t, h.good("topology", "-o", "json")).AppID)
	require.Contains(t, h.good("topology", "--app-id", "from-flag"), "application from-flag")

	text := h.good("config", "print")
	require.Contains(t, text, "app_id: from-file  # "+config)
	require.Contains(t, text, `brokers: ["ours:1"]  # environment HOLDFAST_KAFKA_BROKERS`)
	require.Contains(t, text, "  keep_closed: 7d\n")
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestPrintedConfigurationReadsBack(t *testing.T) {
	s := DefaultSettings()
	s.AppID, s.Node.InstanceID = "on", "12"
	s.Kafka.SASL = SASLSettings{Mechanism: "PLAIN", Username: "a: b # c", PasswordFile: "/run/secrets/p w"}
	s.Orders.AcceptAge = 36*time.Hour + 5*time.Minute + time.Second
	s.State.SweepShare = 0.25
	s.Channels = []string{"no", "web"}
	s.Log.Level = "warn"
	back, err := LoadSettings(settingSources{file: writeFile(t, "back.yaml", s.YAML())})
	require.NoError(t, err)
	back.from = nil
	require.Equal(t, s, *back)
}

func TestSecretsAreMasked(t *testing.T) {
	h := &harness{t: t, environ: []string{"KAFKA_SASL_MECHANISM=SCRAM-SHA-256", "KAFKA_SASL_USERNAME=me", "KAFKA_SASL_PASSWORD=hunter2"}}
	for _, args := range [][]string{{"config", "print"}, {"config", "print", "-o", "json"}} {
		out := h.good(args...)
		require.NotContains(t, out, "hunter2")
		require.Contains(t, out, secretMask)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	h := &harness{t: t, environ: []string{"HOLDFAST_WORKERS_ORDERS=many"}}
	config := writeFile(t, "holdfast.yaml", `
app_idd: x
kafka: {broker: "x:1", brokers: {a: b}, sasl: {user: me}}
orders: {keep_closed: 7}
state: {cache_bytes: 1 GB, flush_every: soon}
node: gone
log: {level: [info]}
`)
	errout := h.bad(exitUsage, "--config", config, "config", "check")
	for _, want := range []string{
		"app_idd isn't a setting; is it app_id?",
		"kafka.broker isn't a setting; is it kafka.brokers?",
		"kafka.brokers (" + config + ") is a section, must be a list",
		"kafka.sasl.user isn't a setting",
		`orders.keep_closed (` + config + `) "7": must be a time with its unit`,
		`state.cache_bytes (` + config + `) "1 GB": must be a number of bytes`,
		`state.flush_every (` + config + `) "soon": must be a time`,
		"node isn't a setting",
		"log.level (" + config + ") is a list, must be a single value",
		`workers.orders (environment HOLDFAST_WORKERS_ORDERS) "many": invalid syntax`,
	} {
		require.Contains(t, errout, want)
	}
	type report struct {
		OK       bool
		Problems []string
		Warnings []string
	}
	r := h.run("--config", config, "config", "check", "-o", "json")
	require.Equal(t, exitUsage, r.code)
	got := decodeJSON[report](t, r.out)
	require.False(t, got.OK)
	require.Len(t, got.Problems, 10)

	h.environ = nil
	r = h.run("--set", "kafka.brokers=,", "--set", "workers.intake=0", "--set", "kafka.sasl.mechanism=GSSAPI",
		"--set", "commit.interval_max=8s", "--set", "channels=Web", "--set", "node.stages=orders,orders,x", "--set", "admin.listen=9464",
		"--set", "kafka.tls.cert_file=x", "--set", "log.level=loud", "config", "check", "-o", "json")
	require.Equal(t, exitUsage, r.code)
	text := strings.Join(decodeJSON[report](t, r.out).Problems, "\n")
	for _, want := range []string{
		"kafka.brokers: none", "workers.intake: 0, must be 1 to 256", `kafka.sasl.mechanism: "GSSAPI", must be one of PLAIN,`,
		"kafka.sasl.username: is empty", "one of password and password_file", "commit.interval_max: 8s, must be", "above half of kafka.transaction_timeout",
		"node.stages: orders is there twice", `node.stages: "x", must be one of intake,`, `admin.listen: "9464" isn't host:port`,
		"cert_file and key_file belong together", `log.level: "loud"`,
	} {
		require.Contains(t, text, want)
	}
	require.Contains(t, h.bad(exitUsage, "--set", "channels=Web", "config", "check"), `channel "Web"`)
}

func TestConfigCheckWarns(t *testing.T) {
	h := &harness{t: t}
	require.Equal(t, "the configuration is good\n", h.good("config", "check"))
	out := h.good("--set", "orders.accept_age=off", "--set", "kafka.tls.ca_file=x", "--set", "kafka.sasl.username=x", "config", "check")
	require.Contains(t, out, "warning: orders.accept_age (off) lets new orders in that are older than orders.keep_closed (7d)")
	require.Contains(t, out, "warning: kafka.tls: its settings aren't used")
	require.Contains(t, out, "warning: kafka.sasl: a user or password isn't used")
	require.Contains(t, h.good("--set", "orders.keep_closed=1h", "config", "check"), "warning: orders.accept_age (7d)")
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "off": 0, "250ms": 250 * time.Millisecond, "30s": 30 * time.Second, "1h30m": 90 * time.Minute, "7d": 7 * day,
		"1d12h": 36 * time.Hour, "1m": time.Minute, "2h": 2 * time.Hour, "1h0m5s": time.Hour + 5*time.Second, "72h": 3 * day,
	} {
		got, err := parseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		back, err := parseDuration(formatDuration(got))
		require.NoError(t, err, text)
		require.Equal(t, want, back, text)
	}
	for _, text := range []string{"", "7", "d", "-1d", "1.5d", "1d-1h", "soon", "99999d"} {
		_, err := parseDuration(text)
		require.Error(t, err, text)
	}
	require.Equal(t, "1h30m", formatDuration(90*time.Minute))
	require.Equal(t, "2h", formatDuration(2*time.Hour))
	require.Equal(t, "0s", formatDuration(0))
}

func TestByteSizes(t *testing.T) {
	for text, want := range map[string]ByteSize{"0": 0, "1": 1, "12B": 12, "64KiB": 64 << 10, "8 MiB": 8 << 20, "2GiB": 2 << 30, "67108864": 64 << 20} {
		got, err := parseByteSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		back, err := parseByteSize(got.String())
		require.NoError(t, err)
		require.Equal(t, want, back)
	}
	for _, text := range []string{"", "MiB", "-1", "1.5MiB", "1MB", "99999999999GiB"} {
		_, err := parseByteSize(text)
		require.Error(t, err, text)
	}
}
