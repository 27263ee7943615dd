package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestSASL(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			c := kfakeAt(t, "127.0.0.1:0", kfake.EnableSASL(), kfake.Superuser(mechanism, "me", "hunter2"))
			h := &harness{t: t, environ: []string{
				"KAFKA_BROKERS=" + c.ListenAddrs()[0], "KAFKA_SASL_MECHANISM=" + mechanism, "KAFKA_SASL_USERNAME=me",
				"KAFKA_SASL_PASSWORD_FILE=" + writeFile(t, "password", "hunter2\n"),
			}}
			h.good("topics", "plan")
			// kfake hangs up on a wrong password; Kafka says what is wrong, as here.
			c.ControlKey(kmsg.SASLAuthenticate.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
				resp := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
				resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
				return resp, nil, true
			})
			errout := h.bad(exitFailed, "topics", "plan")
			require.Contains(t, errout, "refuses: ")
			require.Contains(t, errout, "SASL_AUTHENTICATION_FAILED")
			require.Contains(t, h.bad(exitUsage, "topics", "plan", "--set", "kafka.sasl.password_file=nowhere"), "kafka.sasl.password_file: open nowhere")
		})
	}
}

// A password that is changed in its file counts for the next connection.
func TestPasswordFileIsReadForEachConnection(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		file := writeFile(t, "password", "first\n")
		s := SASLSettings{Mechanism: mechanism, Username: "me", PasswordFile: file}
		m, err := s.mechanism()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		_, _, err = m.Authenticate(t.Context(), "127.0.0.1")
		require.ErrorContains(t, err, "is empty", mechanism)
		require.NoError(t, os.WriteFile(file, []byte("second"), 0o600))
		_, first, err := m.Authenticate(t.Context(), "127.0.0.1")
		require.NoError(t, err)
		if mechanism == "PLAIN" {
			require.Equal(t, "\x00me\x00second", string(first))
		}
	}
}

func TestPasswordFilesThatAreNone(t *testing.T) {
	read := func(text string) error {
		_, err := readPassword(writeFile(t, "password", text))
		return err
	}
	require.NoError(t, read("hunter2\r\n"))
	require.ErrorContains(t, read(""), "is empty")
	require.ErrorContains(t, read("\n"), "is empty")
	require.ErrorContains(t, read("hunter2\nhunter3\n"), "more than one line")
	require.ErrorContains(t, read(strings.Repeat("x", secretBytesMax+1)), "too large")
	_, err := readPassword("/dev/zero")
	require.ErrorContains(t, err, "too large")
}

// TestSecretsAreNeverTold: whatever is said on either output, at the loudest
// level, when all goes well and when it doesn't, no part of the password is in it.
func TestSecretsAreNeverTold(t *testing.T) {
	const secret = "hunter2-tR0ub4dor"
	c := kfakeAt(t, "127.0.0.1:0", kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "me", secret), kfake.Superuser("PLAIN", "me", secret))
	environ := func(mechanism, password string) []string {
		return []string{"KAFKA_BROKERS=" + c.ListenAddrs()[0], "KAFKA_SASL_MECHANISM=" + mechanism, "KAFKA_SASL_USERNAME=me", "KAFKA_SASL_PASSWORD=" + password}
	}
	tell := func(code int, environ []string, args ...string) string {
		t.Helper()
		h := &harness{t: t, environ: environ}
		r := h.run(append([]string{"--log-level", "debug"}, args...)...)
		require.Equal(t, code, r.code, r.errout)
		require.NotContains(t, r.out+r.errout, "hunter2", "%v", args)
		return r.out + r.errout
	}
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256"} {
		require.Contains(t, tell(exitGood, environ(mechanism, secret), "topics", "plan"), "level=DEBUG", "the library's own words are among it")
		tell(exitFailed, environ(mechanism, "wrong-"+secret), "topics", "plan", "--connect-timeout", "600ms")
		for _, args := range [][]string{{"config", "print"}, {"config", "print", "-o", "json"}} {
			require.Contains(t, tell(exitGood, environ(mechanism, secret), args...), secretMask)
		}
	}
	broken := environ("PLAIN", secret)
	tell(exitUsage, append(broken, "KAFKA_SASL_PASSWORD_FILE=x"), "config", "check")
	tell(exitUsage, append(broken, "HOLDFAST_WORKERS_ORDERS=many"), "config", "check", "-o", "json")
	tell(exitGood, broken, "config", "reference")

	plain := environ("", "")
	for _, text := range []string{
		secret, secret + "\n", "kafka: {sasl: {password: {" + secret + ": x}}}", "kafka: {sasl: {password: [" + secret + "]}}",
		"kafka: {sasl: " + secret + "}", "kafka: {sasl: {password: \"" + secret + "\", mechanism: X}}", "kafka: {sasl: {password: " + secret,
		"kafka: {sasl: {password: " + secret + ", password: x}}", "kafka: {sasl: {password: !!int " + secret + "}}",
		"kafka: {sasl: {password: &a " + secret + "}}\n? [*a]\n: 1", "!!binary " + secret,
	} {
		tell(exitUsage, plain, "--config", writeFile(t, "holdfast.yaml", text), "config", "check")
	}
	require.Contains(t, tell(exitUsage, plain, "--config", writeFile(t, "holdfast.yaml", "kafka: {sasl: {password: 0012}}"), "config", "check"),
		"kafka.sasl.password", "a number would lose its zeros")
	require.Contains(t, tell(exitUsage, plain, "--config", writeFile(t, "holdfast.yaml", "kafka: {sasl: {password: 0012}}"), "config", "check"), "isn't text: put it in quotes")
}

// TestSecretsStayOffTheCommandLine: no flag takes one, and the way that sets
// anything refuses them, with what to do instead.
func TestSecretsStayOffTheCommandLine(t *testing.T) {
	h := &harness{t: t}
	for _, args := range [][]string{
		{"--set", "kafka.sasl.password=hunter2", "config", "print"},
		{"config", "print", "--set", "kafka.sasl.password=hunter2"},
		{"--set", "kafka.sasl.password:hunter2", "config", "print"},
		{"--set", "kafka.sasl.password hunter2", "config", "print"},
	} {
		errout := h.bad(exitUsage, args...)
		require.NotContains(t, errout, "hunter2")
		require.Contains(t, errout, "kafka.sasl.password")
	}
	errout := h.bad(exitUsage, "--set", "kafka.sasl.password=hunter2", "config", "check")
	require.Contains(t, errout, "KAFKA_SASL_PASSWORD")
	require.Contains(t, errout, "kafka.sasl.password_file")
	for _, k := range settingKeys() {
		if k.secret {
			a := &app{Process: Process{Stdout: os.Stdout, Stderr: os.Stderr}}
			parser, err := a.parser(&commands{}, func(int) {})
			require.NoError(t, err)
			require.NotContains(t, flagsOfSettings(parser.Model.Node), k.name, "a flag for a secret")
		}
	}
}

func TestConfigurationFileIsBounded(t *testing.T) {
	h := &harness{t: t}
	require.Contains(t, h.bad(exitUsage, "--config", "/dev/zero", "config", "check"), "too large")
	file := filepath.Join(t.TempDir(), "holdfast.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("#", configBytesMax)), 0o600))
	h.good("--config", file, "config", "check")
}

// FuzzSettings: whatever a file says, it is read or refused, in words without the
// password that it may hold.
func FuzzSettings(f *testing.F) {
	defaults := DefaultSettings()
	for _, seed := range []string{defaults.YAML(), "", "app_id: x", "kafka: {brokers: [a:1]}", "node: gone", "a: &a [*a]", "1: 2", "? {}\n: 1", "kafka: null\nkafka.sasl.password: x", "- 1", "workers: {orders: 1e3}", "a.b: {c: 1}", "a: {b: 1}\na.b: 2"} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "holdfast.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := LoadSettings(settingSources{file: file})
		if (s == nil) == (err == nil) {
			t.Fatalf("settings %v and error %v", s, err)
		}
		if s == nil {
			return
		}
		if password := s.Kafka.SASL.Password; len(password) > 8 && strings.Contains(s.YAML(), password) && !strings.Contains(defaults.YAML(), password) {
			// A word of the file may stand elsewhere too; then it is no secret.
			if strings.Count(string(text), password) == 1 {
				t.Fatalf("the password is printed:\n%s", s.YAML())
			}
		}
	})
}
