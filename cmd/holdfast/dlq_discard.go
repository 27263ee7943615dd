package main

import (
	"context"
	"errors"

	"holdfast/topology/record"
)

type dlqDiscardCmd struct {
	dealFlags
	Because string `help:"Why, for those who come after." required:"" placeholder:"TEXT"`
	clusterFlags
	outputFlag
}

func (c *dlqDiscardCmd) Help() string {
	return `Notes that letters are dealt with: dlq ls no longer shows them, and a replay by filter passes them over. Nothing is deleted: ls --all and show have them for as long as the topic keeps them, with who, when and why.

Nothing is done without --yes.`
}

func (c *dlqDiscardCmd) Run(ctx context.Context, a *app) error {
	if _, err := c.check(); err != nil {
		return err
	}
	d, err := a.openDeadLetters(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	r, err := c.deal(ctx, d, dealing{action: record.LetterDiscarded, because: c.Because, prepare: func(_ context.Context, d *deadLetters, list []*dealtLetter) error {
		for _, l := range list {
			f, why := judgeDiscard(d.notes.of(l.letter))
			l.settle(f, why, false)
		}
		return nil
	}})
	if r == nil {
		return err
	}
	return errors.Join(err, r.tell(a, d, &c.dealFlags, c.outputFlag))
}
