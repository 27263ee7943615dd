//go:build kafka

package main

import (
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
)

// TestSecuredKafka: a real Kafka of its own that wants TLS and a name from
// everybody and enforces ACLs. One start for all, as a broker takes seconds.
func TestSecuredKafka(t *testing.T) {
	k := startSecured(t)
	k.grantAll()
	t.Run("doors", k.doors)
	t.Run("sale", func(t *testing.T) { k.in(t).smallSale() })
	t.Run("missing rights", func(t *testing.T) {
		s := k.in(t)
		s.missingNodeRights()
		s.missingOperatorRights()
	})
	t.Run("right lost while it runs", k.rightLost)
}

// securedKafka is the broker, and who its users are.
type securedKafka struct {
	secured
	authority *authority
	passwords string            // address of the door for passwords
	certs     string            // address of the door for certificates
	ways      map[string]string // user -> mechanism, or "certificate"
}

// in is the same for a part of the test.
func (k *securedKafka) in(t *testing.T) *secured {
	s := k.secured
	s.t = t
	s.environ = func(name string) []string { return k.environOf(t, name, k.ways[name]) }
	return &s
}

func startSecured(t *testing.T) *securedKafka {
	script, err := filepath.Abs("../../deploy/kafka/kafka.sh")
	require.NoError(t, err)
	k := &securedKafka{secured: secured{t: t, app: "shop"}, authority: newAuthority(t)}
	port := quietPort(t)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	k.passwords, k.certs = "127.0.0.1:"+port, net.JoinHostPort("127.0.0.1", strconv.Itoa(number+1))
	k.ways = map[string]string{
		"shop-node": "certificate", "shop-operator": "SCRAM-SHA-512", "shop-shop": "SCRAM-SHA-256",
		"shop-audit": "PLAIN", "shop-channel": "SCRAM-SHA-512", "shop-loadtest": "SCRAM-SHA-256",
	}
	security := t.TempDir()
	broker := k.authority.issue(t, "broker", time.Hour)
	for name, text := range map[string]string{
		"ca.pem": k.authority.text, "broker.pem": broker.key + broker.certificate,
		"plain.properties": `listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_shop-audit="shop-audit-secret";` + "\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(security, name), []byte(text), 0o600))
	}
	kafka := func(verb string) {
		t.Helper()
		cmd := exec.Command(script, verb)
		cmd.Env = append(os.Environ(), "KAFKA_PORT="+port, "KAFKA_SECURITY="+security, "KAFKA_HEAP=-Xms256m -Xmx512m")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s %s: %s", script, verb, out)
	}
	t.Cleanup(func() { kafka("clean") })
	begun := time.Now()
	kafka("start")
	t.Logf("started in %v", time.Since(begun))

	pool := &tls.Config{RootCAs: k.authority.pool, Certificates: []tls.Certificate{k.authority.issue(t, "admin", time.Hour).pair(t)}, MinVersion: tls.VersionTLS12}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.certs), kgo.DialTLSConfig(pool))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	k.admin = kadm.NewClient(client)
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} { // a broker takes one of a user at a time
		var passwords []kadm.UpsertSCRAM
		for _, name := range k.users() {
			passwords = append(passwords, kadm.UpsertSCRAM{User: name, Mechanism: mechanism, Iterations: 4096, Password: name + "-secret"})
		}
		altered, err := k.admin.AlterUserSCRAMs(t.Context(), nil, passwords)
		require.NoError(t, err)
		require.NoError(t, altered.Error())
	}
	k.common = []string{"HOLDFAST_APP_ID=" + k.app, "HOLDFAST_CHANNELS=web", "HOLDFAST_TOPICS_LOG_PARTITIONS=2", "HOLDFAST_TOPICS_PUBLIC_PARTITIONS=1", "HOLDFAST_KAFKA_CONNECT_TIMEOUT=10s"}
	return k
}

// environOf is how a user comes in.
func (k *securedKafka) environOf(t *testing.T, name, way string) []string {
	environ := []string{"KAFKA_TLS_ENABLED=true", "KAFKA_TLS_CA_FILE=" + k.authority.file(t)}
	if way == "certificate" {
		environ = append(environ, "KAFKA_BROKERS="+k.certs)
		return append(environ, k.authority.issue(t, name, time.Hour).environ(t)...)
	}
	return append(environ, "KAFKA_BROKERS="+k.passwords, "KAFKA_SASL_MECHANISM="+way, "KAFKA_SASL_USERNAME="+name,
		"KAFKA_SASL_PASSWORD_FILE="+writeFile(t, "password", name+"-secret\n"))
}

// doors: every way in works for whoever may use it, and says clearly why not to
// whoever mayn't.
func (k *securedKafka) doors(t *testing.T) {
	for _, c := range []struct{ name, way string }{
		{"shop-operator", "SCRAM-SHA-256"}, {"shop-operator", "SCRAM-SHA-512"}, {"shop-operator", "certificate"}, {"shop-audit", "PLAIN"},
	} {
		h := &harness{t: t, environ: append(k.environOf(t, c.name, c.way), k.common...)}
		if c.name == "shop-operator" {
			h.good("topics", "apply")
		} else {
			h.good("tail", "warehouses")
		}
	}
	operator := k.environOf(t, "shop-operator", "SCRAM-SHA-512")
	for _, c := range []struct {
		what    string
		environ []string
		want    []string
	}{
		{"a wrong password", append(operator, "HOLDFAST_KAFKA_SASL_PASSWORD_FILE="+writeFile(t, "wrong", "hunter2")), []string{"refuses: ", "SASL_AUTHENTICATION_FAILED"}},
		{"a wrong password of PLAIN", append(k.environOf(t, "shop-audit", "PLAIN"), "HOLDFAST_KAFKA_SASL_PASSWORD_FILE="+writeFile(t, "wrong", "hunter2")), []string{"refuses: ", "SASL_AUTHENTICATION_FAILED"}},
		{"nobody's name", append(operator, "HOLDFAST_KAFKA_SASL_USERNAME=nobody"), []string{"refuses: ", "SASL_AUTHENTICATION_FAILED"}},
		{"an authority that nobody knows", append(operator, "HOLDFAST_KAFKA_TLS_CA_FILE="+newAuthority(t).file(t)), []string{"no trust", "kafka.tls.ca_file"}},
		{"another host's certificate", append(operator, "KAFKA_TLS_SERVER_NAME=other.example"), []string{"no trust", "other.example"}},
		{"no certificate", []string{"KAFKA_BROKERS=" + k.certs, "KAFKA_TLS_ENABLED=true", "KAFKA_TLS_CA_FILE=" + k.authority.file(t)}, []string{"it doesn't accept our certificate"}},
		{"a stranger's certificate", append([]string{"KAFKA_BROKERS=" + k.certs, "KAFKA_TLS_ENABLED=true", "KAFKA_TLS_CA_FILE=" + k.authority.file(t)}, newAuthority(t).issue(t, "admin", time.Hour).environ(t)...), []string{"it doesn't accept our certificate"}},
		{"no TLS", []string{"KAFKA_BROKERS=" + k.certs, "HOLDFAST_KAFKA_CONNECT_TIMEOUT=1s"}, []string{"kafka.tls.enabled"}},
		{"TLS where there is none", []string{"KAFKA_BROKERS=" + kafkaBrokers(t), "KAFKA_TLS_ENABLED=true", "HOLDFAST_KAFKA_CONNECT_TIMEOUT=1s"}, []string{"kafka.tls.enabled"}},
		{"no password where one is wanted", []string{"KAFKA_BROKERS=" + k.passwords, "KAFKA_TLS_ENABLED=true", "KAFKA_TLS_CA_FILE=" + k.authority.file(t), "HOLDFAST_KAFKA_CONNECT_TIMEOUT=1s"}, []string{"kafka.sasl.mechanism"}},
	} {
		h := &harness{t: t, environ: append(append([]string{}, k.common...), c.environ...)}
		errout := h.bad(exitFailed, "topics", "plan")
		for _, want := range c.want {
			require.Contains(t, errout, want, c.what)
		}
		require.NotContains(t, errout, "hunter2")
	}
}

// rightLost: a node that loses the right to write ends, and says which.
func (k *securedKafka) rightLost(t *testing.T) {
	s, user := k.in(t), "shop-node"
	n := s.as(topology.UserNode).startNode(t.TempDir())
	s.as(topology.UserOperator).sendText(`{"event_id":"s-2","type":"stock.receive","sku":"TEE","warehouse":"HCM-1","qty":5}`, "stock.feed", "--wait")
	for _, r := range s.rights[user] {
		if r.Resource == topology.ResourceTopic && r.Operation == topology.OperationWrite {
			s.revoke(user, r)
		}
	}
	s.as(topology.UserOperator).sendText(`{"event_id":"s-3","type":"stock.receive","sku":"TEE","warehouse":"HCM-1","qty":5}`, "stock.feed")
	require.Equal(t, exitFailed, n.ended())
	require.Contains(t, n.log.String(), "not allowed: WRITE on topic shop.")
	require.Contains(t, n.log.String(), rightsHint)
	require.False(t, strings.Contains(n.log.String(), "-secret"))
}
