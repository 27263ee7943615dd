package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Offset is an offset in a Kafka partition.
type Offset int64

// Position is where a store stands.
type Position struct {
	Changelog        Offset // next changelog offset to read
	Input            Offset // next input offset to consume; -1: none was consumed yet
	StreamTimeMillis int64  // largest append time that the task has seen on its input
}

// state is what travels in every delta beside its entries: where the store stands once the delta is applied. Only the
// changelog's offset isn't in it: nobody knows that before the delta is produced.
type state struct {
	input      Offset
	streamTime int64
	sweep      sweep
}

// A state is encoded as one byte of flags and eleven numbers of eight bytes. The cursor is no part of it, as its length isn't
// fixed.
const (
	stateNumbers = 11
	stateBytes   = 1 + 8*stateNumbers

	flagBegins = 1 << 0 // the round begins with this delta, whose offset its writer couldn't know
	flagOver   = 1 << 1 // the round is over
)

var errState = errors.New("its state is out of range")

func (s *state) encode(to []byte) {
	_ = to[:stateBytes]
	w := &s.sweep
	start := w.start
	var flags byte
	if start == startsHere {
		flags |= flagBegins
		start = 0
	}
	if w.over {
		flags |= flagOver
	}
	to[0] = flags
	for i, n := range [stateNumbers]int64{
		int64(s.input), s.streamTime,
		w.round, int64(start), int64(w.previous), w.credit, w.passedBytes, w.stateBytes,
		w.logBytes, w.startBytes, w.previousBytes,
	} {
		binary.LittleEndian.PutUint64(to[1+8*i:], uint64(n))
	}
}

func decodeState(from []byte) (state, error) {
	_ = from[:stateBytes]
	number := func(i int) int64 { return int64(binary.LittleEndian.Uint64(from[1+8*i:])) }
	s := state{
		input:      Offset(number(0)),
		streamTime: number(1),
		sweep: sweep{
			round:         number(2),
			start:         Offset(number(3)),
			previous:      Offset(number(4)),
			credit:        number(5),
			passedBytes:   number(6),
			stateBytes:    number(7),
			logBytes:      number(8),
			startBytes:    number(9),
			previousBytes: number(10),
			over:          from[0]&flagOver != 0,
		},
	}
	w := &s.sweep
	ok := from[0]&^(flagBegins|flagOver) == 0 && s.input >= -1 &&
		w.round >= 0 && w.start >= 0 && w.previous >= 0 && w.passedBytes >= 0 && w.stateBytes >= 0 &&
		0 <= w.previousBytes && w.previousBytes <= w.startBytes && w.startBytes <= w.logBytes
	if from[0]&flagBegins != 0 {
		ok = ok && w.start == 0
		w.start = startsHere
	}
	if !ok {
		return state{}, errState
	}
	return s, nil
}

// meta is the store's own record of where it stands; every batch writes it together with what led there.
type meta struct {
	changelog Offset
	state     state
	// completeAfter is the round of the sweep at whose end the store holds everything again, after it was wiped because the
	// changelog no longer had what it was missing; see restore.go. It is kept because a crash in the middle of such a
	// restore leaves a store that looks like any other.
	completeAfter int64
}

const (
	// complete: nothing is missing.
	complete = -1
	// completeUnknown: wiped, and no delta read yet.
	completeUnknown = math.MaxInt64

	metaBytes = 8 + 8 + stateBytes // and the cursor
)

func newMeta() meta {
	return meta{state: state{input: -1, sweep: sweep{over: true}}, completeAfter: complete}
}

func (m *meta) position() Position {
	return Position{Changelog: m.changelog, Input: m.state.input, StreamTimeMillis: m.state.streamTime}
}

func (m *meta) append(to []byte) []byte {
	var head [metaBytes]byte
	binary.LittleEndian.PutUint64(head[0:], uint64(m.changelog))
	binary.LittleEndian.PutUint64(head[8:], uint64(m.completeAfter))
	m.state.encode(head[16:])
	to = append(to, head[:]...)
	return append(to, m.state.sweep.cursor...)
}

func decodeMeta(from []byte) (meta, error) {
	if len(from) < metaBytes {
		return meta{}, fmt.Errorf("its position has %d bytes", len(from))
	}
	state, err := decodeState(from[16:metaBytes])
	if err != nil {
		return meta{}, fmt.Errorf("its position can't be read: %w", err)
	}
	if state.sweep.start == startsHere {
		return meta{}, errors.New("its position can't be read: its round has no start")
	}
	state.sweep.cursor = append([]byte(nil), from[metaBytes:]...)
	m := meta{
		changelog:     Offset(binary.LittleEndian.Uint64(from[0:])),
		completeAfter: int64(binary.LittleEndian.Uint64(from[8:])),
		state:         state,
	}
	if m.changelog < 0 || m.completeAfter < complete {
		return meta{}, fmt.Errorf("its position is out of range: offset %d, complete after %d", m.changelog, m.completeAfter)
	}
	return m, nil
}
