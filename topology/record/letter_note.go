package record

import (
	"encoding/json"
	"fmt"
)

// What can have been done with a dead letter.
const (
	LetterReplayed  = "replayed"  // its record was sent again
	LetterDiscarded = "discarded" // nothing was, and nothing will be
)

// letterNoteVersion is the only version there is.
const letterNoteVersion = 1

// LetterNote is a record of dlq.done: that a dead letter was dealt with. Its key
// is the letter's name, PARTITION:OFFSET of the topic dlq. The note of a replay is
// committed together with the record that was sent again.
type LetterNote struct {
	Holdfast int    `json:"holdfast"`
	Letter   string `json:"letter"`
	// LetterAt is the letter's time: offsets begin anew when a topic is made anew.
	LetterAt Millis `json:"letter_at"`
	Action   string `json:"action"`
	At       Millis `json:"at"`
	By       string `json:"by"`                // as who did it called themselves
	Because  string `json:"because,omitempty"` // in their words
	Sent     *Sent  `json:"sent,omitempty"`    // of a replay: the record that it wrote
}

// Sent names a record that was written; the topic with the application's prefix.
type Sent struct {
	Topic     string    `json:"topic"`
	Partition Partition `json:"partition"`
	Offset    Offset    `json:"offset"`
}

// Origin returns the same place as an entry would name it.
func (s *Sent) Origin() Origin { return Origin(*s) }

// Encode returns the value.
func (n *LetterNote) Encode() []byte {
	n.Holdfast = letterNoteVersion
	b, err := json.Marshal(n)
	if err != nil {
		panic("BUG: a note that isn't JSON: " + err.Error())
	}
	return b
}

// DecodeLetterNote reads a value. It fails on what isn't a note, and on one of a
// version or an action that it doesn't know: who can't tell what was done with a
// letter must not do anything with it.
func DecodeLetterNote(value []byte) (*LetterNote, error) {
	n := new(LetterNote)
	if err := json.Unmarshal(value, n); err != nil {
		return nil, fmt.Errorf("isn't a note about a dead letter: %w", err)
	}
	switch {
	case n.Holdfast != letterNoteVersion:
		return nil, fmt.Errorf("a note about a dead letter of version %d, known is %d: use the Holdfast that wrote it, or a newer one", n.Holdfast, letterNoteVersion)
	case n.Action != LetterReplayed && n.Action != LetterDiscarded:
		return nil, fmt.Errorf("a note of action %.60q, which this version doesn't know", n.Action)
	}
	return n, nil
}
