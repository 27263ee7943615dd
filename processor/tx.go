package processor

import (
	"holdfast/processor/stage"
	"holdfast/state"
	"holdfast/topology/record"
)

// tx is the open transaction as one task's stage sees it: state through the
// task's overlay, output into the worker's batch.
//
// A read that fails doesn't reach the stage: err keeps the first failure, the
// stage decides on nothing-found, and the batch is aborted before it could be
// committed. So stages stay free of I/O errors.
type tx struct {
	now   record.Millis
	store *state.Store // nil for a stage without state
	batch *batch
	dead  int // letters, since somebody took note
	err   error
}

var _ stage.Tx = (*tx)(nil)

func (t *tx) Now() record.Millis { return t.now }

func (t *tx) Get(key []byte) ([]byte, bool) {
	v, ok, err := t.store.Get(key)
	t.fail(err)
	return v, ok
}

func (t *tx) Put(key, value []byte) { t.store.Put(key, value) }

func (t *tx) Delete(key []byte) { t.store.Delete(key) }

func (t *tx) Scan(from, to []byte, fn func(key, value []byte) bool) {
	t.fail(t.store.Scan(from, to, fn))
}

func (t *tx) Send(log stage.Log, kind record.Kind, key []byte, origin record.Origin, body []byte) {
	t.batch.send(log, kind, key, origin, body)
}

func (t *tx) Broadcast(log stage.Log, kind record.Kind, key []byte, origin record.Origin, body []byte) {
	t.batch.broadcast(log, kind, key, origin, body)
}

func (t *tx) Publish(topic string, key, value []byte) { t.batch.publish(topic, key, value, nil) }

func (t *tx) DeadLetter(d stage.DeadLetter) {
	t.dead++
	t.batch.deadLetter(d)
}

// Count adds one to an outcome. A place beyond the list isn't worth stopping an
// order for: a stage that nobody gave a list to counts for nobody.
func (t *tx) Count(i int) {
	if o := t.batch.outcomes; uint(i) < uint(len(o)) {
		o[i]++
	}
}

func (t *tx) fail(err error) {
	if err != nil && t.err == nil {
		t.err = err
	}
}
