package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"holdfast/topology/record"
)

// entryLine is an entry of an internal log as people read it: words for numbers,
// nothing for what isn't set.
type entryLine struct {
	Kind   string `json:"kind"`
	Key    any    `json:"key,omitempty"`
	Origin string `json:"origin,omitempty"` // topic/partition@offset of the public record
	Body   any    `json:"body,omitempty"`
}

// decodeEntries takes an envelope apart and decodes the entries whose key is
// wanted.
func decodeEntries(envelope []byte, wanted func(key []byte) bool) ([]entryLine, error) {
	list := []entryLine{}
	err := record.Entries(envelope, func(e record.Entry) error {
		if !wanted(e.Key) {
			return nil
		}
		line := entryLine{Kind: e.Kind.String()}
		if len(e.Key) > 0 {
			line.Key = textValue(bytes.Clone(e.Key))
		}
		if e.Origin.Topic != "" {
			line.Origin = e.Origin.String()
		}
		body, err := decodeBody(e.Kind, e.Body)
		if err != nil {
			return fmt.Errorf("entry %d: %w", len(list), err)
		}
		line.Body = body
		list = append(list, line)
		return nil
	})
	return list, err
}

func decodeBody(kind record.Kind, b []byte) (any, error) {
	switch kind {
	case record.KindTick:
		return nil, nil
	case record.KindOrderEvent:
		e, err := record.DecodeOrderEvent(b)
		if err != nil {
			return nil, err
		}
		return orderEventView(e), nil
	case record.KindDecision:
		var d record.Decision
		if err := d.Decode(b); err != nil {
			return nil, err
		}
		return decisionView(&d), nil
	case record.KindCommand:
		var c record.Command
		if err := c.Decode(b); err != nil {
			return nil, err
		}
		return commandView(&c), nil
	case record.KindStock:
		var c record.StockCommand
		if err := c.Decode(b); err != nil {
			return nil, err
		}
		return stockView(&c), nil
	case record.KindAvailability:
		var a record.Availability
		if err := a.Decode(b); err != nil {
			return nil, err
		}
		return availabilityView(&a), nil
	case record.KindWarehouse, record.KindShop, record.KindCatalog:
		t, err := record.DecodeTableRow(b)
		if err != nil {
			return nil, err
		}
		return tableRowView(&t), nil
	}
	return nil, fmt.Errorf("kind %d isn't known", kind)
}

type tableRowLine struct {
	Key     string          `json:"key"`
	Version record.Offset   `json:"version"`
	Deleted bool            `json:"deleted,omitempty"`
	Row     json.RawMessage `json:"row,omitempty"`
}

func tableRowView(t *record.TableRow) tableRowLine {
	line := tableRowLine{Key: t.Key, Version: t.Version, Deleted: t.Deleted}
	if json.Valid(t.JSON) {
		line.Row = t.JSON
	}
	return line
}

type countersLine struct {
	OnHand      record.Quantity `json:"on_hand"`
	Unavailable record.Quantity `json:"unavailable"`
	Held        record.Quantity `json:"held"`
	Allocated   record.Quantity `json:"allocated"`
	Available   record.Quantity `json:"available"`
}

func countersView(c record.Counters) countersLine {
	return countersLine{c.OnHand, c.Unavailable, c.Held, c.Allocated, c.Available()}
}

type commandLine struct {
	Verb        string          `json:"verb"`
	OrderKey    record.OrderKey `json:"order_key"`
	SKU         record.SKU      `json:"sku"`
	Attempt     uint32          `json:"attempt"`
	Cause       string          `json:"cause"`
	Qty         record.Quantity `json:"qty,omitempty"`
	Allocate    bool            `json:"allocate,omitempty"`
	Whole       bool            `json:"whole,omitempty"`
	Wait        bool            `json:"wait,omitempty"`
	Fact        bool            `json:"fact,omitempty"`
	Ranked      []rankedLine    `json:"ranked,omitempty"`
	Parts       []partLine      `json:"parts,omitempty"`
	OccurredAt  record.Millis   `json:"occurred_at,omitzero"`
	Unavailable bool            `json:"unavailable,omitempty"`
}

type rankedLine struct {
	Warehouse record.WarehouseID `json:"warehouse"`
	Rank      uint16             `json:"rank"`
}

type partLine struct {
	Warehouse record.WarehouseID `json:"warehouse"`
	Qty       record.Quantity    `json:"qty"`
}

func commandView(c *record.Command) commandLine {
	line := commandLine{
		Verb: c.Verb.String(), OrderKey: c.OrderKey, SKU: c.SKU, Attempt: c.Attempt, Cause: c.Cause,
		Qty: c.Qty, Allocate: c.Allocate, Whole: c.Whole, Wait: c.Wait, Fact: c.Fact,
		OccurredAt: c.OccurredAt, Unavailable: c.Unavailable,
	}
	for _, w := range c.Ranked {
		line.Ranked = append(line.Ranked, rankedLine(w))
	}
	for _, p := range c.Parts {
		line.Parts = append(line.Parts, partLine(p))
	}
	return line
}

type decisionLine struct {
	Verb      string          `json:"verb"`
	Outcome   string          `json:"outcome"`
	OrderKey  record.OrderKey `json:"order_key,omitempty"`
	SKU       record.SKU      `json:"sku"`
	Attempt   uint32          `json:"attempt,omitempty"`
	Cause     string          `json:"cause"`
	Requested record.Quantity `json:"requested"`
	Allocated bool            `json:"allocated,omitempty"`
	Missing   record.Quantity `json:"missing,omitempty"`
	Waiting   record.Quantity `json:"waiting,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Rule      string          `json:"rule,omitempty"`
	Quota     record.Quantity `json:"quota,omitempty"`
	Moves     []moveLine      `json:"moves,omitempty"`
}

type moveLine struct {
	Warehouse record.WarehouseID `json:"warehouse"`
	Number    uint64             `json:"number"`
	Qty       record.Quantity    `json:"qty"`
	Before    countersLine       `json:"before"`
	After     countersLine       `json:"after"`
}

func decisionView(d *record.Decision) decisionLine {
	line := decisionLine{
		Verb: d.Verb.String(), Outcome: d.Outcome.String(), OrderKey: d.OrderKey, SKU: d.SKU, Attempt: d.Attempt, Cause: d.Cause,
		Requested: d.Requested, Allocated: d.Allocated, Missing: d.Missing, Waiting: d.Waiting, Reason: d.Reason, Rule: d.Rule, Quota: d.Quota,
	}
	for i := range d.Moves {
		m := &d.Moves[i]
		line.Moves = append(line.Moves, moveLine{m.Warehouse, m.Number, m.Qty, countersView(m.Before), countersView(m.After)})
	}
	return line
}
