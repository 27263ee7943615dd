package closing

import (
	"holdfast/processor/stage"
)

// watch stands between the run time and a stage, and knows how large the task's
// state is: it sees every put and delete, and trusts nobody's count.
//
// A put that is followed by another one in the same transaction counts as soon as
// it is made; so bytes is the state's size once the stage has finished, provided
// that every transaction commits.
type watch struct {
	stage.Stage
	sizes map[string]*int64 // of the entries of all keys that are there
	bytes int64
}

func newWatch(s stage.Stage) *watch { return &watch{Stage: s, sizes: map[string]*int64{}} }

// Decide is part of stage.Stage.
func (w *watch) Decide(tx stage.Tx, r *stage.Record) { w.Stage.Decide(watchedTx{tx, w}, r) }

// Finish is part of stage.Stage.
func (w *watch) Finish(tx stage.Tx) { w.Stage.Finish(watchedTx{tx, w}) }

type watchedTx struct {
	stage.Tx
	watch *watch
}

// Put is part of stage.Tx.
func (t watchedTx) Put(key, value []byte) {
	t.Tx.Put(key, value)
	w := t.watch
	size := w.sizes[string(key)]
	if size == nil {
		size = new(int64)
		w.sizes[string(key)] = size
	}
	w.bytes -= *size
	*size = entryBytes(key, value)
	w.bytes += *size
}

// Delete is part of stage.Tx.
func (t watchedTx) Delete(key []byte) {
	t.Tx.Delete(key)
	w := t.watch
	if size := w.sizes[string(key)]; size != nil {
		w.bytes -= *size
		delete(w.sizes, string(key))
	}
}

// entryBytes is what a put of the key takes in a delta: key, value, and the length
// of each as a varint, that of the key with one bit more.
func entryBytes(key, value []byte) int64 {
	return int64(lengthBytes(2*len(key)) + len(key) + lengthBytes(len(value)) + len(value))
}

func lengthBytes(n int) int {
	size := 1
	for ; n >= 128; n /= 128 {
		size++
	}
	return size
}
