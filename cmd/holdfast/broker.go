package main

import (
	"context"
	"fmt"

	"holdfast/processor/kafka/embedded"
)

type brokerCmd struct {
	Listen  string `help:"Address on the loopback interface; port 0 takes a free one." default:"127.0.0.1:9092"`
	DataDir string `help:"Where topics and records are kept; without it they are gone when the broker ends." placeholder:"DIR"`
	outputFlag
}

func (c *brokerCmd) Help() string {
	return "One broker on 127.0.0.1 that speaks Kafka's protocol, for trying things out. It isn't replicated, doesn't wait for the disk, and isn't fast: no place for orders that matter."
}

func (c *brokerCmd) Run(ctx context.Context, a *app) error {
	if _, err := a.settings(); err != nil {
		return err
	}
	b, err := embedded.Start(embedded.Config{Listen: c.Listen, DataDir: c.DataDir, Logger: a.log})
	if err != nil {
		return err
	}
	defer b.Close()
	if c.json() {
		err = a.printJSON(struct {
			Address string `json:"address"`
			DataDir string `json:"data_dir,omitempty"`
		}{b.Addr(), c.DataDir})
	} else {
		_, err = fmt.Fprintf(a.Stdout, "Kafka broker (embedded, for trials) on %s\n", b.Addr())
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
