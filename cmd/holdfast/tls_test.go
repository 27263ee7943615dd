package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestTLS(t *testing.T) {
	authority := newAuthority(t)
	c := kfakeAt(t, "127.0.0.1:0", kfake.TLS(&tls.Config{Certificates: []tls.Certificate{authority.issue(t, "broker", time.Hour).pair(t)}}))
	h := &harness{t: t, environ: []string{"KAFKA_BROKERS=" + c.ListenAddrs()[0], "KAFKA_TLS_ENABLED=true"}}
	errout := h.bad(exitFailed, "topics", "plan")
	require.Contains(t, errout, "no trust between us and the broker at ")
	require.Contains(t, errout, "kafka.tls.ca_file")
	h.environ = append(h.environ, "KAFKA_TLS_CA_FILE="+authority.file(t))
	h.good("topics", "plan")
	require.Contains(t, h.bad(exitFailed, "topics", "plan", "--set", "kafka.tls.server_name=other.example"), "other.example")
	require.Contains(t, h.bad(exitUsage, "topics", "plan", "--set", "kafka.tls.ca_file="+writeFile(t, "no.pem", "x")), "no certificate in")
	r := h.run("topics", "plan", "--set", "kafka.tls.ca_file=", "--set", "kafka.tls.insecure_skip_verify=true")
	require.Equal(t, exitGood, r.code)
	require.Contains(t, r.errout, "whoever answers is believed to be Kafka")

	expired := kfakeAt(t, "127.0.0.1:0", kfake.TLS(&tls.Config{Certificates: []tls.Certificate{authority.issue(t, "broker", -time.Minute).pair(t)}}))
	require.Contains(t, h.bad(exitFailed, "topics", "plan", "--brokers", expired.ListenAddrs()[0]), "expired")
}

// TestOurCertificate: a broker that wants to know who we are by our certificate.
func TestOurCertificate(t *testing.T) {
	authority := newAuthority(t)
	c := kfakeAt(t, "127.0.0.1:0", kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{authority.issue(t, "broker", time.Hour).pair(t)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.pool,
	}))
	h := &harness{t: t, environ: []string{"KAFKA_BROKERS=" + c.ListenAddrs()[0], "KAFKA_TLS_ENABLED=true", "KAFKA_TLS_CA_FILE=" + authority.file(t)}}
	for _, environ := range [][]string{nil, newAuthority(t).issue(t, "me", time.Hour).environ(t), authority.issue(t, "me", -time.Minute).environ(t)} {
		saved := h.environ
		h.environ = append(h.environ[:len(h.environ):len(h.environ)], environ...)
		require.Contains(t, h.bad(exitFailed, "topics", "plan"), "it doesn't accept our certificate", "%v", environ)
		h.environ = saved
	}
	h.environ = append(h.environ, authority.issue(t, "me", time.Hour).environ(t)...)
	h.good("topics", "plan")
	for file, want := range map[string]string{
		writeFile(t, "key.pem", "x"): "kafka.tls.cert_file ",
		"nowhere":                    "kafka.tls.key_file: open nowhere",
		writeFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}))): "is encrypted; it must be one without a passphrase",
	} {
		errout := h.bad(exitUsage, "topics", "plan", "--set", "kafka.tls.key_file="+file)
		require.Contains(t, errout, want)
	}
}

// A certificate that is replaced in its files counts for the next connection;
// while only one of the two files is new, the last pair does.
func TestOurCertificateIsReadForEachConnection(t *testing.T) {
	authority := newAuthority(t)
	first, second := authority.issue(t, "first", time.Hour), authority.issue(t, "second", time.Hour)
	dir := t.TempDir()
	s := TLSSettings{Enabled: true, CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
	write := func(path, text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write(s.CertFile, first.certificate)
	write(s.KeyFile, first.key)
	config, err := s.tlsConfig()
	require.NoError(t, err)
	name := func() string {
		got, err := config.GetClientCertificate(&tls.CertificateRequestInfo{})
		require.NoError(t, err)
		return got.Leaf.Subject.CommonName
	}
	require.Equal(t, "first", name())
	write(s.CertFile, second.certificate)
	require.Equal(t, "first", name())
	write(s.KeyFile, second.key)
	require.Equal(t, "second", name())
}

// authority is whom both sides of a test believe, with a key that the test made.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
	text        string
}

// keyPair is a certificate and its key, as PEM.
type keyPair struct{ certificate, key string }

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	a := &authority{key: key, pool: x509.NewCertPool(), text: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	a.certificate, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.pool.AddCert(a.certificate)
	return a
}

// issue makes a certificate of a name, for both sides of a connection to
// 127.0.0.1, that is good for so long from now on.
func (a *authority) issue(t testing.TB, name string, good time.Duration) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(good),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return keyPair{
		certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}
}

func (a *authority) file(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(path, []byte(a.text), 0o600))
	return path
}

func (i keyPair) pair(t testing.TB) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(i.certificate), []byte(i.key))
	require.NoError(t, err)
	return pair
}

// environ is how a command is told of it.
func (i keyPair) environ(t *testing.T) []string {
	return []string{"KAFKA_TLS_CERT_FILE=" + writeFile(t, "tls.crt", i.certificate), "KAFKA_TLS_KEY_FILE=" + writeFile(t, "tls.key", i.key)}
}
