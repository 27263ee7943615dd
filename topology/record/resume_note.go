package record

import (
	"encoding/json"
	"fmt"
)

// ResumeNoteKey begins the keys of resume notes, which stand in dlq.done beside
// those about letters.
const ResumeNoteKey = "resume:"

// letterResumed is the action of such a note.
const letterResumed = "resumed"

// ResumeNote is an operator's word that a source partition, which was paused for its
// dead letters, may go on: what lies before PassTo is let through.
type ResumeNote struct {
	Holdfast  int       `json:"holdfast"`
	Action    string    `json:"action"`
	Topic     string    `json:"topic"` // with the application's prefix
	Partition Partition `json:"partition"`
	PassTo    Offset    `json:"pass_to"`
	At        Millis    `json:"at"`
	By        string    `json:"by"`
	Because   string    `json:"because,omitempty"`
}

// Key returns the record's key: the last note about a partition counts.
func (n *ResumeNote) Key() []byte {
	return fmt.Appendf(nil, "%s%s/%d", ResumeNoteKey, n.Topic, n.Partition)
}

// Encode returns the value.
func (n *ResumeNote) Encode() []byte {
	n.Holdfast, n.Action = letterNoteVersion, letterResumed
	b, err := json.Marshal(n)
	if err != nil {
		panic("BUG: a note that isn't JSON: " + err.Error())
	}
	return b
}

// DecodeResumeNote reads a value. It fails on what isn't such a note, notes about
// letters included.
func DecodeResumeNote(value []byte) (*ResumeNote, error) {
	n := new(ResumeNote)
	if err := json.Unmarshal(value, n); err != nil {
		return nil, fmt.Errorf("isn't a resume note: %w", err)
	}
	if n.Holdfast != letterNoteVersion || n.Action != letterResumed {
		return nil, fmt.Errorf("isn't a resume note of version %d", letterNoteVersion)
	}
	return n, nil
}
