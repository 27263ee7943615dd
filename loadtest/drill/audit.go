package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

// Verdict is what a drill reads of an audit's report.
type Verdict struct {
	Verdict       string `json:"verdict"`
	Orders        int64  `json:"orders"`
	Decisions     int64  `json:"decisions"`
	OversoldUnits int64  `json:"oversold_units"`
}

// Judge ends the load, waits until everything is decided, and audits: every
// order has its story, no unit is promised twice or lost. Nodes must be running.
func (s *Scene) Judge(ctx context.Context) error {
	if s.load != nil {
		if err := s.load.End(ctx); err != nil {
			return err
		}
	}
	out, err := s.Run(ctx, "audit", "--settle", "--output", "json")
	if werr := os.WriteFile(s.file("audit.json"), []byte(out), 0o644); werr != nil {
		return fmt.Errorf("the audit: %w", werr)
	}
	if err != nil {
		return err
	}
	var v Verdict
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		return fmt.Errorf("the audit's report: %w", err)
	}
	if v.Verdict != "pass" || v.OversoldUnits != 0 || v.Orders == 0 {
		return fmt.Errorf("the audit: %s, %d units oversold, %d orders", v.Verdict, v.OversoldUnits, v.Orders)
	}
	s.Note("audit: pass, %d orders, %d decisions", v.Orders, v.Decisions)
	return nil
}
