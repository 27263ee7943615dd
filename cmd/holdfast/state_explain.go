package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"holdfast/processor"
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology/record"
)

type stateExplainCmd struct {
	stateFlags
	storeArgs
	Key   string `arg:"" help:"The key, in quotes as state dump and state verify print it, or as it is where it is all text."`
	Limit int    `help:"Of the deltas that wrote the key, the newest so many." default:"20"`
}

func (c *stateExplainCmd) Help() string {
	return `What a store of a stopped node holds under a key; each delta of the changelog that wrote or deleted it, with its offset there and the offsets of the input that it was decided from; and the command that tells the story of the order or SKU.

What the changelog's sweep has repeated and trimmed since isn't told any more.`
}

// rowStory is where a row comes from.
type rowStory struct {
	Stage     string      `json:"stage"`
	Partition int32       `json:"partition"`
	Key       string      `json:"key"`
	Stored    *stage.Row  `json:"stored,omitempty"` // absent: nothing
	Same      bool        `json:"as_in_changelog"`  // the newest delta about it says the same
	Changelog string      `json:"changelog"`        // its name and partition
	Input     string      `json:"input"`
	Deltas    []rowChange `json:"deltas"` // oldest first
	Older     int         `json:"older"`  // deltas that aren't listed
	More      []string    `json:"more"`   // commands
}

// rowChange is one delta's word about a row.
type rowChange struct {
	Offset     state.Offset  `json:"changelog_offset"` // of the delta's last part
	Op         string        `json:"op"`               // put, delete, sweep
	InputFrom  state.Offset  `json:"input_from"`       // the input it was decided from: from this offset,
	InputUntil state.Offset  `json:"input_until"`      // up to before this one
	At         record.Millis `json:"at"`               // the log's time then
	Row        *stage.Row    `json:"row,omitempty"`
	value      []byte
}

func (c *stateExplainCmd) Run(ctx context.Context, a *app) error {
	key, err := keyArg(c.Key)
	if err != nil {
		return err
	}
	if len(key) == 0 || key[0] == 0 || key[0] == 0xff || c.Limit < 1 {
		return usageErrorf("a key is needed, and --limit above 0")
	}
	r, err := openStores(ctx, a)
	if err != nil {
		return err
	}
	defer r.close()
	story, err := c.story(ctx, r, key)
	if err != nil {
		return err
	}
	if c.json() {
		return a.printJSON(story)
	}
	story.write(a.Stdout)
	return nil
}

func (c *stateExplainCmd) story(ctx context.Context, r *storeReader, key []byte) (*rowStory, error) {
	partition := record.Partition(c.Partition)
	store, err := r.open(c.Stage, partition)
	if err != nil {
		return nil, err
	}
	value, stored, err := storedRow(store, key)
	position := store.Position()
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	_, tp, err := r.config(c.Stage, partition)
	if err != nil {
		return nil, err
	}
	input := r.topology.Name(r.topology.Stage(c.Stage).Inputs[0])
	story := &rowStory{
		Stage: c.Stage, Partition: c.Partition, Key: strconv.Quote(string(key)), Deltas: []rowChange{},
		Changelog: fmt.Sprintf("%s/%d", tp.Topic, tp.Partition), Input: fmt.Sprintf("%s/%d", input, partition),
	}
	var last *rowChange // before the store's place
	describer, from := &state.Describer{}, state.Offset(-1)
	err = processor.ReadChangelog(ctx, r.cluster, tp, r.settings.Node.RestoreStalled, func(offset record.Offset, delta []byte) error {
		d, err := describer.Describe(delta)
		if err != nil {
			return fmt.Errorf("offset %d: %w", offset, err)
		}
		for i := range d.Entries {
			e := &d.Entries[i]
			if string(e.Key) != string(key) {
				continue
			}
			change := rowChange{Offset: state.Offset(offset), Op: e.Op, InputFrom: from, InputUntil: d.Input, At: record.Millis(d.StreamTimeMillis), value: append([]byte(nil), e.Value...)}
			if e.Op != "delete" {
				row := readRow(c.Stage, key, change.value)
				change.Row = &row
			}
			if change.Offset < position.Changelog {
				last = &change
			}
			if story.Deltas = append(story.Deltas, change); len(story.Deltas) > c.Limit {
				story.Deltas = story.Deltas[1:]
				story.Older++
			}
		}
		if d.Part+1 == d.Parts {
			from = d.Input
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	said := last != nil && last.Op != "delete"
	story.Same = said == stored && (!stored || string(last.value) == string(value))
	row := readRow(c.Stage, key, value)
	if stored {
		story.Stored = &row
	}
	story.More = moreAbout(c.Stage, row.Of, key, int32(partition))
	return story, nil
}

// moreAbout are commands that tell more.
func moreAbout(stageName, of string, key []byte, partition int32) (list []string) {
	if of != "" {
		flag := ""
		if stageName != "orders" {
			flag = "--sku "
		}
		list = append(list, "holdfast explain "+flag+shellQuote(of))
	}
	if rest := strings.SplitN(string(key[1:]), "\x00", 2); key[0] == 'h' && stageName == "inventory" && len(rest) == 2 {
		list = append(list, "holdfast explain "+shellQuote(rest[1]))
	}
	return append(list, fmt.Sprintf("holdfast state dump %s %d --prefix %s", stageName, partition, shellQuote(strconv.Quote(string(key)))))
}

func (s *rowStory) write(w io.Writer) {
	fmt.Fprintf(w, "%s of %s/%d: ", s.Key, s.Stage, s.Partition)
	switch {
	case s.Stored == nil:
		fmt.Fprintln(w, "nothing is stored.")
	case s.Stored.Err != "":
		fmt.Fprintf(w, "a value that can't be read: %s\n", plainText(s.Stored.Err))
	default:
		fmt.Fprintf(w, "%s %s\n", s.Stored.Kind, compactJSON(s.Stored.Row))
	}
	if !s.Same {
		fmt.Fprintf(w, "That ISN'T what the changelog says: this store is damaged. Put it aside, and it is built anew: holdfast state reset %s %d\n", s.Stage, s.Partition)
	}
	fmt.Fprintf(w, "\nDeltas in %s, with the input of %s that each was decided from:\n", s.Changelog, s.Input)
	if s.Older > 0 {
		fmt.Fprintf(w, "  … %d older ones (--limit)\n", s.Older)
	}
	for i := range s.Deltas {
		d := &s.Deltas[i]
		input := fmt.Sprintf("input %d to %d", d.InputFrom, d.InputUntil-1)
		if d.InputFrom < 0 {
			input = fmt.Sprintf("input up to %d", d.InputUntil-1)
		}
		what := ""
		if d.Row != nil {
			what = fmt.Sprintf(" %s %s%s", d.Row.Kind, compactJSON(d.Row.Row), plainText(d.Row.Err))
		}
		fmt.Fprintf(w, "  @%d %s %s, %s:%s\n", d.Offset, d.Op, input, d.At.Time().Format(time.RFC3339), what)
	}
	if len(s.Deltas) == 0 {
		fmt.Fprintln(w, "  none")
	}
	fmt.Fprintln(w, "\nMore:")
	for _, m := range s.More {
		fmt.Fprintln(w, "  "+m)
	}
}
