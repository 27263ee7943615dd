package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"holdfast/processor/channels"
	"holdfast/processor/inventory"
	"holdfast/processor/order"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology"
	"holdfast/topology/record"
)

type stateDumpCmd struct {
	stateFlags
	storeArgs
	Prefix string `help:"Only keys that begin with this, in quotes as printed or as it is." placeholder:"KEY"`
}

func (c *stateDumpCmd) Help() string {
	return "A row a line: its key, what it is, and what it holds. JSON has the key's and value's bytes too, in base64."
}

// rowLine is a row of a store as JSON.
type rowLine struct {
	Stage     string `json:"stage"`
	Partition int32  `json:"partition"`
	Key       string `json:"key"` // in quotes, as Go writes a text
	KeyBytes  []byte `json:"key_bytes"`
	Value     []byte `json:"value_bytes"`
	stage.Row
}

func (c *stateDumpCmd) Run(ctx context.Context, a *app) error {
	prefix, err := keyArg(c.Prefix)
	if err != nil {
		return err
	}
	r, err := openStores(ctx, a)
	if err != nil {
		return err
	}
	defer r.close()
	store, err := r.open(c.Stage, record.Partition(c.Partition))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.Stdout)
	var printed error
	snapshot := store.Snapshot()
	err = snapshot.Scan(prefix, prefixEnd(prefix), func(key, value []byte) bool {
		printed = c.print(out, key, value)
		return printed == nil
	})
	return errors.Join(err, printed, out.Flush(), snapshot.Close(), store.Close())
}

func (c *stateDumpCmd) print(out io.Writer, key, value []byte) error {
	if c.json() {
		_, err := fmt.Fprintf(out, "%s\n", compactJSON(rowLine{c.Stage, c.Partition, strconv.Quote(string(key)), key, value, readRow(c.Stage, key, value)}))
		return err
	}
	_, err := fmt.Fprintf(out, "%q %s\n", key, rowWords(c.Stage, key, value))
	return err
}

// prefixEnd returns the first key behind all that begin with a prefix; nil where
// there is none.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			return end
		}
		end = end[:len(end)-1]
	}
	return nil
}

// readRow takes a row apart, whatever it holds: to look at a damaged store is what
// this is for.
func readRow(stageName string, key, value []byte) (row stage.Row) {
	defer func() {
		if p := recover(); p != nil {
			row = stage.Row{Kind: "unreadable", Err: fmt.Sprint(p)}
		}
	}()
	switch stageName {
	case topology.StageInventory:
		return inventory.ReadRow(key, value)
	case topology.StageOrders:
		return order.ReadRow(key, value)
	case topology.StageChannels:
		return channels.ReadRow(key, value)
	}
	return stage.Row{Kind: "unknown"}
}

// rowWords says what a row holds, in one line.
func rowWords(stageName string, key, value []byte) string {
	row := readRow(stageName, key, value)
	if row.Err != "" {
		return fmt.Sprintf("%s that can't be read: %s: %s", row.Kind, plainText(row.Err), hex.EncodeToString(value))
	}
	return fmt.Sprintf("%s %s", row.Kind, compactJSON(row.Row))
}

// storedRow reads one key of a store.
func storedRow(store *state.Store, key []byte) (value []byte, ok bool, err error) {
	snapshot := store.Snapshot()
	value, ok, err = snapshot.Get(key)
	return value, ok, errors.Join(err, snapshot.Close())
}
