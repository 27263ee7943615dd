package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// streams is Kafka Streams: loadtest/peers/kafka-streams/Node.java, whose formats
// these are.
type streams struct {
	c   *config
	app string
}

func (s *streams) name() string     { return "Kafka Streams" }
func (s *streams) prefix() string   { return s.app + "-" }
func (s *streams) group() string    { return s.app }
func (s *streams) input() string    { return s.app + "-lines" }
func (s *streams) outcomes() string { return s.app + "-outcomes" }

func (s *streams) create(ctx context.Context) error {
	admin, err := s.c.admin()
	if err != nil {
		return err
	}
	defer admin.Close()
	made, err := admin.CreateTopics(ctx, partitions, 1, nil, s.input(), s.outcomes())
	return errors.Join(err, made.Error())
}

const lineBytes = 96 // key and value, as large as Holdfast's

func (s *streams) stock(sku, units int) *kgo.Record {
	return s.record(skuName(sku), binary.BigEndian.AppendUint64([]byte{1}, uint64(units)))
}

func (s *streams) line(order, sku, quantity int) *kgo.Record {
	key := skuName(sku)
	b := binary.BigEndian.AppendUint16([]byte{2}, 1)
	b = binary.BigEndian.AppendUint32(b, uint32(quantity))
	b = binary.BigEndian.AppendUint16(b, 1)
	for _, text := range []string{orderName(order), key, "e-" + strconv.Itoa(order), warehouse} {
		b = append(append(b, byte(len(text))), text...)
	}
	if n := lineBytes - len(key) - len(b); n > 0 {
		b = append(b, make([]byte, n)...)
	}
	return s.record(key, b)
}

func (s *streams) record(sku string, value []byte) *kgo.Record {
	return &kgo.Record{Topic: s.input(), Partition: slots.Partition([]byte(sku)), Key: []byte(sku), Value: value}
}

func (s *streams) read(r *kgo.Record, fn func(order int, sku []byte)) error {
	order, err := orderNumber(r.Key)
	if err != nil {
		return err
	}
	// outcome, number of the line, quantity, number, before, after; then order and SKU
	const fixed = 1 + 2 + 4 + 3*8
	v := r.Value
	if len(v) <= fixed || len(v) <= fixed+1+int(v[fixed]) {
		return fmt.Errorf("an outcome of %d bytes", len(v))
	}
	v = v[fixed+1+int(v[fixed]):]
	if len(v) < 1+int(v[0]) {
		return fmt.Errorf("an outcome without a SKU")
	}
	fn(order, v[1:1+int(v[0])])
	return nil
}

func (s *streams) command(node, dir string, standbys int) (*exec.Cmd, error) {
	return exec.Command(s.c.Peer, "--node", "--brokers", s.c.brokers(), "--application", s.app, "--lines", s.input(), "--outcomes", s.outcomes(),
		"--state-dir", stateDir(dir, node), "--instance", node, "--workers", "2", "--standby", strconv.Itoa(standbys),
		"--session-timeout-ms", strconv.FormatInt(s.c.Session.Milliseconds(), 10)), nil
}

// standbys is what the node said last, which is every 200 ms while it has any.
func (s *streams) standbys(n *node) (seconds float64, stores int, err error) {
	line, ok := bytes.CutPrefix(n.lastLine("standby "), []byte("standby "))
	if !ok {
		return 0, 0, nil
	}
	if _, err := fmt.Sscanf(string(line), "%d %g", &stores, &seconds); err != nil {
		return 0, 0, fmt.Errorf("node %s said %q: %w", n.name, line, err)
	}
	return seconds, stores, nil
}

// isNodes: each stream thread has a number behind the node's name.
func (s *streams) isNodes(member, node string) bool {
	return len(member) > len(node) && member[:len(node)+1] == node+"-"
}

func (c *config) admin() (*kadm.Client, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.brokers()), kgo.DisableClientMetrics())
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return kadm.NewClient(client), nil
}
