package main

import (
	"encoding/json"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology"
	"holdfast/topology/record"
)

// headerShop names the shop of a channel's own payload.
const headerShop = "holdfast-shop"

// deriveKey finds the key that a well-behaved producer would give a record: what
// it is about, so that all records about it stay in order. nil where the value
// doesn't say.
func deriveKey(short string, r *kgo.Record) []byte {
	var v keyFields
	if json.Unmarshal(r.Value, &v) != nil {
		return nil
	}
	switch short {
	case topology.StockFeed, topology.Catalog:
		return keyOf(v.text("sku"))
	case topology.FulfilmentFeed:
		return keyOf(v.text("order_key"))
	case topology.Warehouses:
		return keyOf(v.text("id"))
	case topology.ChannelTable:
		return keyOf(v.text("channel"), orElse(v.text("shop"), "main"))
	}
	channel, _ := strings.CutPrefix(short, "channel.")
	channel, ok := strings.CutSuffix(channel, ".orders")
	if !ok {
		return nil
	}
	if v["holdfast"] == nil {
		return adapterKey(channel, r)
	}
	return keyOf(orElse(v.text("channel"), channel), orElse(v.text("shop"), "main"), v.text("order_id"))
}

// keyFields is an object of which any field may be anything.
type keyFields map[string]json.RawMessage

func (f keyFields) text(name string) string {
	var s string
	if json.Unmarshal(f[name], &s) != nil {
		return ""
	}
	return s
}

// adapterKey lets the channel's adapter find the order. The shop may be the
// channel's own id here: a key keeps an order's records together, no more.
func adapterKey(channel string, r *kgo.Record) []byte {
	adapter := adapters([]string{channel})[channel]
	if adapter == nil {
		return nil
	}
	header := func(name string) string {
		for _, h := range r.Headers {
			if strings.EqualFold(h.Key, name) {
				return string(h.Value)
			}
		}
		return ""
	}
	bodies, refusal := adapter(r.Value, header)
	if refusal != nil || len(bodies) == 0 {
		return nil
	}
	shop := header(headerShop)
	if shop == "" {
		shop = orElse(bodies[0].ShopID, "main")
	}
	return []byte(record.MakeOrderKey(channel, shop, bodies[0].OrderID))
}

// keyOf joins parts; without one of them there is no key.
func keyOf(parts ...string) []byte {
	for _, p := range parts {
		if p == "" {
			return nil
		}
	}
	return []byte(strings.Join(parts, "/"))
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
