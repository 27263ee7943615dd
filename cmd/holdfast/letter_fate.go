package main

import (
	"fmt"

	"holdfast/topology"
	"holdfast/topology/record"
)

// replayHelps tells whether a letter of that reason can be taken when it is sent
// again, and once what or why not. A reason that isn't known here is taken for
// one that sending again doesn't cure.
func replayHelps(reason string) (helps bool, why string) {
	switch reason {
	case record.RefuseChannelUnknown:
		return true, "once all nodes run with the channel in their configuration"
	case record.RefuseShopUnknown:
		return true, "once the table channels has the shop's id"
	case record.RefuseUnknownFormat, record.RefuseUnknownType, record.RefuseUnknownStatus, record.RefuseNotSupported:
		return true, "once all nodes run a version that knows it"
	case "order_unknown", "inbox_full":
		return true, "once its order has come"
	case "too_old":
		return false, "it only gets older; it would be taken with another orders.accept_age"
	case record.ReasonEventIDConflict:
		return false, "another event has its id: it is refused again for as long as that is remembered, and counts beside it after that"
	case record.ReasonBelowZero, record.ReasonAboveMax, record.ReasonCountTooOld:
		return false, "its event id is remembered with this outcome: within 24 hours nothing would come of it, after that it would count; send an event with an id of its own"
	case record.RefuseTestOrder:
		return false, "it is a test, and stays one"
	}
	return false, "the record itself can't be taken: send a mended one with holdfast send, and discard this"
}

// writtenLater tells letters that a stage behind intake wrote: their value is the
// event in our own form, not the record that came in. from is the role of the
// topic that it came from: tables take smaller values than others.
func (l *letter) writtenLater(from topology.Role) bool {
	switch l.reason {
	case "too_old", "order_unknown", "inbox_full", record.ReasonEventIDConflict,
		record.ReasonBelowZero, record.ReasonAboveMax, record.ReasonCountTooOld:
		return true
	case record.RefuseTooLarge: // intake refuses what is above its limit; else it is the combos of an order
		return from == topology.RolePublicIn && l.bytes <= record.ValueBytesMax
	}
	return false
}

// fate is what a command does with a letter.
type fate uint8

const (
	fateGo    fate = iota
	fateForce      // only when told so expressly
	fateDone       // nothing is left to do
	fateNever      // it can't be done
)

// judgeReplay decides on a replay by what the letter and the notes say.
func judgeReplay(t *topology.Topology, l *letter, note *record.LetterNote) (fate, string) {
	if note != nil && note.Action == record.LetterReplayed {
		return fateDone, noteWords(note)
	}
	if l.source.Topic == "" {
		return fateNever, "its headers don't say where it came from: Holdfast didn't write it"
	}
	short, _ := t.Short(l.source.Topic)
	topic := t.Lookup(short)
	switch {
	case topic == nil:
		return fateNever, fmt.Sprintf("there is no topic %.249s in this application", plainText(l.source.Topic))
	case topic.Role != topology.RolePublicIn && topic.Role != topology.RoleTable:
		return fateNever, fmt.Sprintf("topic %s is written by Holdfast alone", topic.Name)
	}
	if note != nil {
		return fateForce, noteWords(note)
	}
	if helps, why := replayHelps(l.reason); !helps {
		return fateForce, why
	}
	return fateGo, ""
}

// judgeDiscard decides on a discard.
func judgeDiscard(note *record.LetterNote) (fate, string) {
	if note != nil {
		return fateDone, noteWords(note)
	}
	return fateGo, ""
}

// noteWords tells what was done with a letter.
func noteWords(n *record.LetterNote) string {
	words := fmt.Sprintf("%s at %s by %s", n.Action, n.At, plainText(n.By))
	if n.Because != "" {
		words += ": " + plainText(n.Because)
	}
	return words
}
