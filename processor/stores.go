package processor

import (
	"sync"

	"holdfast/state"
)

// Stores says who in this process has a partition's store: the worker that
// decides it, or the standby that keeps it up to date for the day when one does.
// A partition may be given to a worker before another worker of the same process
// has let go of it (each learns of a rebalance when it polls), and a store can
// be open only once.
//
//	worker A: … commit, poll (revoked), close store, give ──┐
//	worker B: poll (assigned), take? no … take? no …  take? yes, open
//
// A standby gives its store up as it is, open and at the place that it has got
// to; it finds out when it wants to go on.
//
//	standby:  reserve, open, release … begin, apply, release … begin? no: it is gone
//	worker B:                                             take? yes, with the store
type Stores struct {
	mu     sync.Mutex
	owners map[TopicPartition]*worker
	spares map[TopicPartition]*spare
	broken map[TopicPartition]int // how often a store was found corrupt
}

// spare is a store that a standby has.
type spare struct {
	store  *state.Store
	busy   bool // the standby is at work on it
	wanted bool // a worker waits for it
}

// NewStores returns an empty registry.
func NewStores() *Stores {
	return &Stores{owners: map[TopicPartition]*worker{}, spares: map[TopicPartition]*spare{}, broken: map[TopicPartition]int{}}
}

// broke notes that a store was found corrupt, and returns how often by now.
func (s *Stores) broke(tp TopicPartition) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[tp]++
	return s.broken[tp]
}

// take makes w the owner, unless another worker is or a standby is at work. The
// store is the standby's, nil where it must be opened.
func (s *Stores) take(tp TopicPartition, w *worker) (*state.Store, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.owners[tp]; o != nil && o != w {
		return nil, false
	}
	var store *state.Store
	if sp := s.spares[tp]; sp != nil {
		if sp.wanted = true; sp.busy {
			return nil, false
		}
		store = sp.store
		delete(s.spares, tp)
	}
	s.owners[tp] = w
	return store, true
}

// give ends w's ownership; the store must be closed by now.
func (s *Stores) give(tp TopicPartition, w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owners[tp] != w {
		panic("BUG: a store is given back by a worker that doesn't own it: " + tp.Topic)
	}
	delete(s.owners, tp)
}

// free tells a standby whether a reserve would do.
func (s *Stores) free(tp TopicPartition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owners[tp] == nil && s.spares[tp] == nil
}

// reserve is for a standby that is about to open a store. It is at work then.
func (s *Stores) reserve(tp TopicPartition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owners[tp] != nil || s.spares[tp] != nil {
		return false
	}
	s.spares[tp] = &spare{busy: true}
	return true
}

// begin is for a standby that wants to work on its store; false means that a
// worker has it now.
func (s *Stores) begin(tp TopicPartition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.spares[tp]
	if sp == nil {
		return false
	}
	sp.busy = true
	return true
}

// release is for a standby that has done its work for now.
func (s *Stores) release(tp TopicPartition, store *state.Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.spares[tp]
	sp.store, sp.busy = store, false
}

// dropSpare is for a standby at work that has closed its store.
func (s *Stores) dropSpare(tp TopicPartition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.spares, tp)
}

// wants tells a standby at work that a worker waits for it to be done.
func (s *Stores) wants(tp TopicPartition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spares[tp].wanted
}
