package main

import (
	"context"
	"time"

	"holdfast/loadtest/explain"
	"holdfast/loadtest/ledger"
	"holdfast/topology/record"
)

type explainCmd struct {
	clusterFlags
	outputFlag
	OrderKey string `arg:"" help:"channel/shop/order_id" placeholder:"ORDER_KEY"`
}

func (c *explainCmd) Help() string {
	return "The story of one order: what came in, each decision with the stock before and after, and what was told. Times are in this machine's zone (TZ)."
}

func (c *explainCmd) Run(ctx context.Context, a *app) error {
	if _, _, _, ok := record.OrderKey(c.OrderKey).Cut(); !ok {
		return usageErrorf("%q is no order key: channel/shop/order_id", c.OrderKey)
	}
	cl, t, err := a.connectExisting(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	options, err := clientOptions(&a.loaded.Kafka)
	if err != nil {
		return usageErrorf("%w", err)
	}
	cut, err := ledger.Capture(ctx, cl, t)
	if err != nil {
		return err
	}
	e := explain.New(record.OrderKey(c.OrderKey), t.AppID)
	if err := ledger.Read(ctx, options, t, cut, explain.Reads, e.Add, a.progress("explain: records read")); err != nil {
		return err
	}
	story, ok := e.Story()
	if !ok {
		return &exitError{exitFailed, errNotFound(c.OrderKey)}
	}
	if c.json() {
		return a.printJSON(story)
	}
	return story.WriteText(a.Stdout, time.Local)
}

type errNotFound string

func (e errNotFound) Error() string { return "no order " + string(e) + " in the logs" }
