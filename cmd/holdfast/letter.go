package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"holdfast/topology/record"
)

// letterID names a dead letter by its place in the topic dlq: PARTITION:OFFSET.
type letterID struct {
	partition int32
	offset    int64
}

func (id letterID) String() string { return fmt.Sprintf("%d:%d", id.partition, id.offset) }

// MarshalText formats as String does.
func (id letterID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

func parseLetterID(text string) (letterID, error) {
	p, o, ok := strings.Cut(text, ":")
	partition, err1 := strconv.ParseInt(p, 10, 32)
	offset, err2 := strconv.ParseInt(o, 10, 64)
	if !ok || err1 != nil || err2 != nil || partition < 0 || offset < 0 {
		return letterID{}, usageErrorf("letter %.60q: must be PARTITION:OFFSET, as dlq ls prints it", text)
	}
	return letterID{int32(partition), offset}, nil
}

// letter is a dead letter, taken apart.
type letter struct {
	id      letterID
	at      record.Millis
	reason  string
	message string
	source  record.Origin // the public record; no topic where the headers don't say
	key     []byte
	value   []byte
	headers []kgo.RecordHeader // as the record came, without ours
	bytes   int                // of the value
}

// letterOf takes a record of the topic dlq apart. Of several headers of one name
// the last is ours: what came in may have had some of that name already.
func letterOf(r *kgo.Record) letter {
	l := letter{
		id: letterID{r.Partition, r.Offset}, at: record.Millis(r.Timestamp.UnixMilli()),
		key: r.Key, value: r.Value, bytes: len(r.Value),
	}
	said := map[string]string{}
	for _, h := range r.Headers {
		if strings.HasPrefix(h.Key, record.HeaderErrors) {
			said[h.Key] = string(h.Value)
		} else {
			l.headers = append(l.headers, h)
		}
	}
	l.reason, l.message = said[record.HeaderErrorException], said[record.HeaderErrorMessage]
	p, err1 := strconv.ParseInt(said[record.HeaderErrorPartition], 10, 32)
	o, err2 := strconv.ParseInt(said[record.HeaderErrorOffset], 10, 64)
	if err1 == nil && err2 == nil && p >= 0 && o >= 0 {
		l.source = record.Origin{Topic: said[record.HeaderErrorTopic], Partition: record.Partition(p), Offset: record.Offset(o)}
	}
	return l
}

// olderFirst orders letters by time.
func olderFirst(a, b *letter) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id.partition, b.id.partition), cmp.Compare(a.id.offset, b.id.offset))
}

// letterNotes is what the topic dlq.done says.
type letterNotes struct {
	byLetter map[letterID]*record.LetterNote
	bySent   map[record.Origin]letterID // the record that a replay wrote -> the letter replayed
}

// add takes the next record of the topic.
func (n *letterNotes) add(r *kgo.Record) error {
	if strings.HasPrefix(string(r.Key), record.ResumeNoteKey) {
		return nil // about a partition
	}
	id, err := parseLetterID(string(r.Key))
	if err != nil {
		return fmt.Errorf("%s/%d@%d: key %.60q names no letter", r.Topic, r.Partition, r.Offset, r.Key)
	}
	if old := n.byLetter[id]; old != nil && old.Sent != nil {
		delete(n.bySent, old.Sent.Origin())
	}
	delete(n.byLetter, id)
	if len(r.Value) == 0 {
		return nil
	}
	note, err := record.DecodeLetterNote(r.Value)
	if err != nil {
		return fmt.Errorf("%s/%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	n.byLetter[id] = note
	if note.Sent != nil {
		n.bySent[note.Sent.Origin()] = id
	}
	return nil
}

// of returns what was done with a letter, or nil.
func (n *letterNotes) of(l *letter) *record.LetterNote {
	note := n.byLetter[l.id]
	if note == nil || note.LetterAt != l.at {
		return nil // of another letter, in an earlier life of the topic
	}
	return note
}

// letterPick keeps the oldest or the newest of the letters that it is given.
type letterPick struct {
	max    int // 0: all
	newest bool
	list   []letter
	bytes  int64 // of the values in list
	total  int   // given
}

func (p *letterPick) add(l letter) {
	p.total++
	p.bytes += int64(len(l.value))
	if p.list = append(p.list, l); p.max > 0 && len(p.list) >= 2*p.max {
		p.cut()
	}
}

// cut sorts, and drops what is too many.
func (p *letterPick) cut() {
	slices.SortFunc(p.list, func(a, b letter) int {
		if p.newest {
			a, b = b, a
		}
		return olderFirst(&a, &b)
	})
	if p.max <= 0 || len(p.list) <= p.max {
		return
	}
	for i := p.max; i < len(p.list); i++ {
		p.bytes -= int64(len(p.list[i].value))
	}
	clear(p.list[p.max:])
	p.list = p.list[:p.max]
}
