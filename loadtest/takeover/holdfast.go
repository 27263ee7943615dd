package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

// holdfast is `holdfast run` with the inventory stage alone.
type holdfast struct {
	c        *config
	app      string
	decision record.Decision
}

func (h *holdfast) name() string     { return "Holdfast" }
func (h *holdfast) prefix() string   { return h.app + "." }
func (h *holdfast) group() string    { return h.app + "." + topology.StageInventory }
func (h *holdfast) input() string    { return h.app + "." + topology.LogInventory }
func (h *holdfast) outcomes() string { return h.app + "." + topology.LogOrders }

func (h *holdfast) create(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, h.c.Holdfast, "topics", "apply", "--brokers", h.c.brokers(), "--app-id", h.app,
		"--set", "topics.log_partitions="+strconv.Itoa(partitions)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("holdfast topics apply: %w\n%s", err, out)
	}
	return nil
}

func (h *holdfast) stock(sku, units int) *kgo.Record {
	name := record.SKU(skuName(sku))
	c := record.StockCommand{Verb: record.VerbReceive, EventID: "s-" + strconv.Itoa(sku), ContentHash: uint64(sku), SKU: name, Warehouse: warehouse, Qty: record.Quantity(units)}
	return h.record(record.KindStock, string(name), record.AppendStockCommand(nil, &c))
}

func (h *holdfast) line(order, sku, quantity int) *kgo.Record {
	name := record.SKU(skuName(sku))
	c := record.Command{Verb: record.VerbReserve, OrderKey: record.OrderKey(orderName(order)), SKU: name, Attempt: 1, Cause: "e-" + strconv.Itoa(order),
		Qty: record.Quantity(quantity), Whole: true, Ranked: []record.Ranked{{Warehouse: warehouse}}}
	return h.record(record.KindCommand, string(name), record.AppendCommand(nil, &c))
}

// record is an envelope with one entry: the most work for Holdfast, and what Kafka
// Streams gets.
func (h *holdfast) record(kind record.Kind, sku string, body []byte) *kgo.Record {
	partition := slots.Partition([]byte(sku))
	var e record.EnvelopeBuilder
	e.Add(kind, []byte(sku), record.Origin{Topic: "takeover", Partition: record.Partition(partition)}, body)
	return &kgo.Record{Topic: h.input(), Partition: partition, Value: e.Close()}
}

func (h *holdfast) read(r *kgo.Record, fn func(order int, sku []byte)) error {
	return record.Entries(r.Value, func(e record.Entry) error {
		if err := h.decision.Decode(e.Body); err != nil {
			return err
		}
		order, err := orderNumber([]byte(h.decision.OrderKey))
		if err != nil {
			return err
		}
		fn(order, []byte(h.decision.SKU))
		return nil
	})
}

func (h *holdfast) command(node, dir string, standbys int) (*exec.Cmd, error) {
	return exec.Command(h.c.Holdfast, "run", "--brokers", h.c.brokers(), "--app-id", h.app, "--stages", topology.StageInventory,
		"--instance-id", node, "--data-dir", stateDir(dir, node), "--standby", strconv.Itoa(standbys), "--admin-listen", h.admin(node),
		"--log-format", "json", "--set", "kafka.session_timeout="+h.c.Session.String(), "--set", "topics.log_partitions="+strconv.Itoa(partitions)), nil
}

// admin is the address of a node's health, behind the broker's ports.
func (h *holdfast) admin(node string) string {
	return "127.0.0.1:" + strconv.Itoa(h.c.Port+20+int(node[0]-'a'))
}

func (h *holdfast) standbys(n *node) (seconds float64, stores int, err error) {
	client := http.Client{Timeout: 2 * time.Second}
	resp, err := client.Get("http://" + h.admin(n.name) + "/status")
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	var status struct {
		Standbys []struct {
			Whole      bool    `json:"whole"`
			LagSeconds float64 `json:"lag_seconds"`
		} `json:"standbys"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return 0, 0, fmt.Errorf("reading the status of node %s: %w", n.name, err)
	}
	for _, s := range status.Standbys {
		if s.Whole {
			stores++
			seconds = max(seconds, s.LagSeconds)
		}
	}
	return seconds, stores, nil
}

func (h *holdfast) isNodes(member, node string) bool {
	return strings.HasPrefix(member, h.group()+"."+node+".")
}
