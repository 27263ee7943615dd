package state

// Description is what people are shown of one record of a changelog.
type Description struct {
	Part  int `json:"part"` // from 0
	Parts int `json:"parts"`
	// Where the store stands once the delta is applied.
	Input            Offset `json:"input_offset"`
	StreamTimeMillis int64  `json:"stream_time_ms"`
	SweepRound       int64  `json:"sweep_round"`
	Bytes            int    `json:"bytes"`
	// Entries are there only where the record is a whole delta: a delta is cut into parts by bytes.
	Entries []EntryDescription `json:"entries,omitempty"`
}

// EntryDescription is one put or delete, or a put that the sweep repeats.
type EntryDescription struct {
	Op    string // put, delete, sweep
	Key   []byte
	Value []byte // nil for a delete
}

// Describe takes a changelog record apart, for people who look at one.
func Describe(record []byte) (Description, error) {
	h, chunk, err := decodeHeader(record)
	if err != nil {
		return Description{}, err
	}
	d := Description{Part: h.part, Parts: h.parts, Input: h.state.input, StreamTimeMillis: h.state.streamTime, SweepRound: h.state.sweep.round, Bytes: len(record)}
	if h.parts > 1 {
		return d, nil
	}
	err = d.takeApart(&h, sharedHeader(record), chunk)
	return d, err
}

func (d *Description) takeApart(h *header, shared, body []byte) error {
	delta, err := decodeDelta(h, shared, body)
	if err != nil {
		return err
	}
	for _, section := range []struct {
		entries []byte
		op      string
	}{{delta.writes, "put"}, {delta.swept, "sweep"}} {
		for r := (entryReader{rest: section.entries}); ; {
			key, value, isDelete, ok, err := r.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			e := EntryDescription{Op: section.op, Key: key, Value: value}
			if isDelete {
				e.Op = "delete"
			}
			d.Entries = append(d.Entries, e)
		}
	}
	return nil
}

// Describer describes a changelog's records in their order, deltas of several parts too: the description of the last part
// has the entries of all.
type Describer struct{ body []byte }

// Describe takes the next record apart.
func (r *Describer) Describe(record []byte) (Description, error) {
	d, err := Describe(record)
	if err != nil || d.Parts == 1 {
		return d, err
	}
	h, chunk, err := decodeHeader(record)
	if err != nil {
		return d, err
	}
	if d.Part == 0 {
		r.body = r.body[:0]
	}
	if r.body = append(r.body, chunk...); d.Part+1 < d.Parts {
		return d, nil
	}
	if len(r.body) != h.bodyEnd {
		return d, nil // the log begins within it
	}
	err = d.takeApart(&h, sharedHeader(record), append([]byte(nil), r.body...))
	return d, err
}
