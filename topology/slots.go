package topology

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Slots is the number of slots that keys are spread over. Partitions own slots,
// not keys: later a slot can move to another partition, or to a new one, while
// every other key stays where it is. It bounds the partitions of a log, and
// never changes.
const Slots = 4096

// Slot returns the slot of a key.
func Slot(key []byte) int { return int(Murmur2(key) & (Slots - 1)) }

// SlotTable says which partition of a log owns which slot. There is one per
// log, on the compacted topic `slots` under the log's short name. A larger
// epoch replaces a smaller one.
type SlotTable struct {
	Log        string // short name
	Epoch      int64  // from 1
	Partitions int32  // 1..Slots; the log must have exactly as many
	// Invariant: every entry is below Partitions.
	Table [Slots]uint16
}

// DefaultSlots returns the first table of a log: contiguous ranges, as even as
// can be.
func DefaultSlots(log string, partitions int32) *SlotTable {
	if partitions < 1 || partitions > Slots {
		panic(fmt.Sprintf("BUG: slot table of %d partitions", partitions))
	}
	s := &SlotTable{Log: log, Epoch: 1, Partitions: partitions}
	for i := range s.Table {
		s.Table[i] = uint16(i * int(partitions) / Slots)
	}
	return s
}

// Partition returns the partition that owns key.
func (s *SlotTable) Partition(key []byte) int32 {
	return int32(s.Table[Murmur2(key)&(Slots-1)])
}

// slotTableJSON is the form on the topic: ranges [first slot, last slot,
// partition] in order.
type slotTableJSON struct {
	Holdfast   int      `json:"holdfast"`
	Log        string   `json:"log"`
	Epoch      int64    `json:"epoch"`
	Partitions int32    `json:"partitions"`
	Hash       string   `json:"hash"`
	Slots      int      `json:"slots"`
	Ranges     [][3]int `json:"ranges"`
}

const (
	slotHash     = "murmur2"
	slotsVersion = 1
)

// MarshalJSON returns the form that is on the topic.
func (s *SlotTable) MarshalJSON() ([]byte, error) {
	j := slotTableJSON{Holdfast: slotsVersion, Log: s.Log, Epoch: s.Epoch, Partitions: s.Partitions, Hash: slotHash, Slots: Slots}
	for first := 0; first < Slots; {
		last := first
		for last+1 < Slots && s.Table[last+1] == s.Table[first] {
			last++
		}
		j.Ranges = append(j.Ranges, [3]int{first, last, int(s.Table[first])})
		first = last + 1
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads that form strictly: a node that routes by a table which it
// only half understands would put keys where nobody looks for them.
func (s *SlotTable) UnmarshalJSON(b []byte) error {
	// The version first: a newer one may have fields that aren't known here.
	var form struct {
		Holdfast int `json:"holdfast"`
	}
	if json.Unmarshal(b, &form) == nil && form.Holdfast > slotsVersion {
		return fmt.Errorf("slot table of version %d, known is %d: a newer Holdfast wrote it, and that or a newer one must run here", form.Holdfast, slotsVersion)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	// Ranges as slices: into [3]int the library would cut or fill others silently.
	var j struct {
		slotTableJSON
		Ranges [][]int `json:"ranges"`
	}
	if err := dec.Decode(&j); err != nil {
		return fmt.Errorf("slot table: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("slot table: bytes after the value")
	}
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("slot table of %.60q: "+format, append([]any{j.Log}, args...)...))
		}
	}
	check(j.Holdfast == slotsVersion, "form %d, known is %d", j.Holdfast, slotsVersion)
	check(j.Log != "", "no log named")
	check(j.Epoch >= 1, "epoch %d, must be at least 1", j.Epoch)
	check(j.Hash == slotHash, "hash %.20q, known is %q", j.Hash, slotHash)
	check(j.Slots == Slots, "%d slots, must be %d", j.Slots, Slots)
	check(j.Partitions >= 1 && j.Partitions <= Slots, "%d partitions, must be 1 to %d", j.Partitions, Slots)
	out := SlotTable{Log: j.Log, Epoch: j.Epoch, Partitions: j.Partitions}
	next := 0
	for i, r := range j.Ranges {
		if len(r) != 3 || r[0] != next || r[1] < r[0] || r[1] >= Slots || r[2] < 0 || r[2] >= int(j.Partitions) || r[2] >= Slots {
			check(false, "range %d, %v, doesn't follow slot %d or leaves the slots or partitions", i, r, next-1)
			break
		}
		for slot := r[0]; slot <= r[1]; slot++ {
			out.Table[slot] = uint16(r[2])
		}
		next = r[1] + 1
	}
	check(next == Slots, "slots %d to %d belong to nobody", next, Slots-1)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	*s = out
	return nil
}
