package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestBrokerThatIsNotThere(t *testing.T) {
	h := &harness{t: t}
	address := freeAddress(t)
	errout := h.bad(exitFailed, "topics", "plan", "--brokers", address, "--connect-timeout", "600ms")
	require.Contains(t, errout, "waiting for Kafka")
	require.Contains(t, errout, "holdfast: no broker could be reached at "+address+" for 600ms: ")
	require.Contains(t, errout, "connection refused")
	require.Contains(t, errout, "--brokers says where it is")
	require.Equal(t, 2, strings.Count(errout, "\n"), "no word of the client's own: %s", errout)
}

func TestBrokerThatComesLater(t *testing.T) {
	address := freeAddress(t)
	reader, writer := io.Pipe()
	done := make(chan int)
	go func() {
		done <- Run(t.Context(), []string{"topics", "plan", "--brokers", address}, Process{Stdout: io.Discard, Stderr: writer})
		writer.Close()
	}()
	require.Contains(t, <-lineByLine(t, reader), "waiting for Kafka")
	kfakeAt(t, address)
	require.Equal(t, exitGood, <-done)
}

// kfakeAt starts a cluster on a given address.
func kfakeAt(t *testing.T, address string, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1), kfake.ListenFn(func(network, _ string) (net.Listener, error) {
		return net.Listen(network, address)
	}))...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

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

func TestTLS(t *testing.T) {
	certificate, ca := selfSigned(t)
	c := kfakeAt(t, "127.0.0.1:0", kfake.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}}))
	h := &harness{t: t, environ: []string{"KAFKA_BROKERS=" + c.ListenAddrs()[0], "KAFKA_TLS_ENABLED=true"}}
	require.Contains(t, h.bad(exitFailed, "topics", "plan"), "refuses: ")
	h.environ = append(h.environ, "KAFKA_TLS_CA_FILE="+writeFile(t, "ca.pem", ca))
	h.good("topics", "plan")
	require.Contains(t, h.bad(exitFailed, "topics", "plan", "--set", "kafka.tls.server_name=other.example"), "other.example")
	require.Contains(t, h.bad(exitUsage, "topics", "plan", "--set", "kafka.tls.ca_file="+writeFile(t, "no.pem", "x")), "no certificate in")
	r := h.run("topics", "plan", "--set", "kafka.tls.ca_file=", "--set", "kafka.tls.insecure_skip_verify=true")
	require.Equal(t, exitGood, r.code)
	require.Contains(t, r.errout, "whoever answers is believed to be Kafka")
}

func selfSigned(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// A batch that is to be sent again waits for metadata: with the library's 5 s
// between two requests a node's stage stood still for so long.
func TestClientsAskForMetadataSoon(t *testing.T) {
	s := DefaultSettings()
	options, err := clientOptions(&s.Kafka)
	require.NoError(t, err)
	cl, err := kgo.NewClient(options...)
	require.NoError(t, err)
	defer cl.Close()
	require.Equal(t, metadataAgeMin, cl.OptValue(kgo.MetadataMinAge))
	require.LessOrEqual(t, metadataAgeMin, time.Second)
}
