package main

import "holdfast/topology/record"

// availabilityLine is where a SKU stands, as people read it. Under the key of a
// combo it is a component that stands there.
type availabilityLine struct {
	SKU        record.SKU         `json:"sku"`
	Fed        bool               `json:"fed"`
	Buffer     record.Quantity    `json:"buffer,omitempty"`
	Warehouses []availabilityPart `json:"warehouses"`
	Policies   []policyPart       `json:"policies,omitempty"`
	Quotas     []quotaPart        `json:"quotas,omitempty"`
}

type availabilityPart struct {
	Warehouse record.WarehouseID `json:"warehouse"`
	Number    uint64             `json:"number"`
	Safety    record.Quantity    `json:"safety,omitempty"`
	countersLine
}

// policyPart shows only what the channel's or shop's policy says.
type policyPart struct {
	Channel string              `json:"channel"`
	Buffer  record.SettingInput `json:"buffer,omitzero"`
	Cap     record.SettingInput `json:"cap,omitzero"`
}

type quotaPart struct {
	Channel string          `json:"channel"`
	Left    record.Quantity `json:"left"`
}

func availabilityView(a *record.Availability) availabilityLine {
	line := availabilityLine{SKU: a.SKU, Fed: a.Fed, Buffer: a.Buffer, Warehouses: []availabilityPart{}}
	for i := range a.Rows {
		w := &a.Rows[i]
		line.Warehouses = append(line.Warehouses, availabilityPart{w.Warehouse, w.Number, w.Safety, countersView(w.Counters)})
	}
	for _, p := range a.Policies {
		line.Policies = append(line.Policies, policyPart{p.Channel, p.Buffer.Input(), p.Cap.Input()})
	}
	for _, q := range a.Quotas {
		line.Quotas = append(line.Quotas, quotaPart(q))
	}
	return line
}

// stockLine is a record of the stock feed in its normal form, as people read it.
type stockLine struct {
	Type       string             `json:"type"`
	EventID    string             `json:"event_id"`
	SKU        record.SKU         `json:"sku"`
	Warehouse  record.WarehouseID `json:"warehouse,omitempty"`
	Qty        *record.Quantity   `json:"qty,omitempty"`
	OccurredAt record.Millis      `json:"occurred_at,omitzero"`
	Reason     string             `json:"reason,omitempty"`
	*policyLine
}

// policyLine is what a policy changes: what is absent stays, null is removed.
type policyLine struct {
	Channel string              `json:"channel,omitempty"`
	Safety  record.SettingInput `json:"safety,omitzero"`
	Buffer  record.SettingInput `json:"buffer,omitzero"`
	Cap     record.SettingInput `json:"cap,omitzero"`
	Quota   record.SettingInput `json:"quota,omitzero"`
	Until   record.Millis       `json:"until,omitzero"`
}

func stockView(c *record.StockCommand) stockLine {
	line := stockLine{
		Type: "stock." + c.Verb.String(), EventID: c.EventID, SKU: c.SKU, Warehouse: c.Warehouse, OccurredAt: c.OccurredAt, Reason: c.Reason,
	}
	if c.Verb != record.VerbPolicy {
		line.Qty = &c.Qty
		return line
	}
	p := &c.Policy
	line.policyLine = &policyLine{
		Channel: p.Channel, Safety: p.Safety.Input(), Buffer: p.Buffer.Input(), Cap: p.Cap.Input(), Quota: p.Quota.Input(), Until: p.Until,
	}
	return line
}
