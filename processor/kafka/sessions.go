package kafka

import "sync"

// sessions are those of this process that may be asked to join anew.
type sessions struct {
	mu   sync.Mutex
	live map[*session]bool
}

func (l *sessions) add(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		l.live = map[*session]bool{}
	}
	l.live[s] = true
}

func (l *sessions) remove(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.live, s)
}

// Rebalance is part of processor.Follower. One member that joins anew is enough,
// if it has something new to say; its claim, and the generation in which it owned
// what it owns, are.
func (c *Cluster) Rebalance(group string) {
	c.live.mu.Lock()
	defer c.live.mu.Unlock()
	for s := range c.live.live {
		if s.member.Group == group {
			s.client.ForceRebalance()
			return
		}
	}
}
