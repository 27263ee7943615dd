package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// tlsConfig returns how to encrypt, or nil where connections are plain.
func (s *TLSSettings) tlsConfig() (*tls.Config, error) {
	if !s.Enabled {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.ServerName, InsecureSkipVerify: s.InsecureSkipVerify}
	if s.CAFile != "" {
		authorities, err := readBounded(s.CAFile, secretBytesMax)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("kafka.tls.ca_file: no certificate in %s", s.CAFile)
		}
	}
	if s.CertFile != "" {
		own := &ownCertificate{certFile: s.CertFile, keyFile: s.KeyFile}
		if _, err := own.read(); err != nil {
			return nil, err
		}
		c.GetClientCertificate = own.get
	}
	return c, nil
}

// ownCertificate is what we show brokers that ask who we are. It is read anew for
// every connection: certificates of some days are replaced in place, and a node
// lives for months. A broker that doesn't ask costs no reading.
type ownCertificate struct {
	certFile, keyFile string

	mu   sync.Mutex // connections are made side by side
	last *tls.Certificate
}

func (o *ownCertificate) get(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return o.read()
}

// read returns what the files hold. Who replaces two files does it one after the
// other; in between they don't fit, and the last pair is as good as it was.
func (o *ownCertificate) read() (*tls.Certificate, error) {
	pair, err := readCertificate(o.certFile, o.keyFile)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.last = pair
	}
	if o.last == nil {
		return nil, err
	}
	return o.last, nil
}

func readCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	chain, err := readBounded(certFile, secretBytesMax)
	if err != nil {
		return nil, fmt.Errorf("kafka.tls.cert_file: %w", err)
	}
	key, err := readBounded(keyFile, secretBytesMax)
	if err != nil {
		return nil, fmt.Errorf("kafka.tls.key_file: %w", err)
	}
	if isEncrypted(key) {
		return nil, fmt.Errorf("kafka.tls.key_file: the key in %s is encrypted; it must be one without a passphrase", keyFile)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("kafka.tls.cert_file %s and key_file %s: %w", certFile, keyFile, err)
	}
	return &pair, nil
}

// isEncrypted tells that a private key wants a passphrase (PKCS 8, or the older
// form with a header), for which Go's own words are that it can't be parsed.
func isEncrypted(key []byte) bool {
	for block, rest := pem.Decode(key); block != nil; block, rest = pem.Decode(rest) {
		if strings.Contains(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return true
		}
	}
	return bytes.Contains(key, []byte("BEGIN ENCRYPTED PRIVATE KEY")) // cut off
}

// reachHint says what may keep a broker from answering. One that was spoken to in
// another way than its port expects hangs up, which a broker that is just
// starting does too; so it is waited for, and the guess comes at the end.
func (k *KafkaSettings) reachHint(err error) string {
	var hungUp *kgo.ErrFirstReadEOF
	switch {
	case !k.TLS.Enabled && strings.Contains(err.Error(), "tls"):
		return "that port speaks TLS: kafka.tls.enabled"
	case !errors.As(err, &hungUp) && !errors.Is(err, io.EOF):
		return "--brokers says where it is, --connect-timeout how long to wait"
	}
	hint := "it hangs up: it may speak TLS only, kafka.tls.enabled"
	if k.TLS.Enabled {
		hint = "it hangs up: that port may not speak TLS, kafka.tls.enabled"
	}
	if k.SASL.Mechanism == "" {
		hint += ", or want a user, kafka.sasl.mechanism"
	}
	return hint
}

// notTrusted tells that the two sides don't believe or understand each other,
// which asking again doesn't mend, and says what may be wrong.
func notTrusted(err error) (hint string, ok bool) {
	var server *tls.CertificateVerificationError
	var alert tls.AlertError
	switch {
	case errors.As(err, &server):
		return "kafka.tls.ca_file says who vouches for the brokers, kafka.tls.server_name what they are called", true
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls: "):
		// The type of an alert is exported for QUIC alone; on a connection the
		// same comes as text.
		return "it doesn't accept our certificate: kafka.tls.cert_file and kafka.tls.key_file say who we are", true
	}
	return "", false
}
