package main

import (
	"context"
	"fmt"

	"holdfast/topology/schema"
)

type schemaCmd struct {
	Name string `arg:"" optional:"" help:"Schema to print: a topic's short name, channel.orders for any channel's."`
}

func (c *schemaCmd) Help() string {
	return "Without a name it lists what there is. The schemas say what a record may look like; what Holdfast takes beyond that, and why it refuses, the dead letters tell."
}

func (c *schemaCmd) Run(_ context.Context, a *app) error {
	if c.Name == "" {
		for _, name := range schema.Names() {
			if _, err := fmt.Fprintln(a.Stdout, name); err != nil {
				return err
			}
		}
		return nil
	}
	name, _ := schema.OfTopic(c.Name)
	b, err := schema.JSON(name)
	if err != nil {
		return usageErrorf("%w", err)
	}
	_, err = a.Stdout.Write(b)
	return err
}
