package kafka

import "holdfast/processor"

// Waiting returns how many bytes wait for a tail.
func Waiting(t processor.Tail) int {
	x := t.(*tail)
	x.of.mu.Lock()
	defer x.of.mu.Unlock()
	return x.bytes
}
