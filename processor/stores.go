package processor

import (
	"sync"
)

// Stores says which worker of this process a partition's store belongs to. A
// partition may be given to a worker before another worker of the same process
// has let go of it (each learns of a rebalance when it polls), and a store can
// be open only once.
//
//	worker A: … commit, poll (revoked), close store, give ──┐
//	worker B: poll (assigned), take? no … take? no …  take? yes, open
type Stores struct {
	mu     sync.Mutex
	owners map[TopicPartition]*worker
}

// NewStores returns an empty registry.
func NewStores() *Stores { return &Stores{owners: map[TopicPartition]*worker{}} }

// take makes w the owner, unless another worker is.
func (s *Stores) take(tp TopicPartition, w *worker) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.owners[tp]; o != nil && o != w {
		return false
	}
	s.owners[tp] = w
	return true
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
