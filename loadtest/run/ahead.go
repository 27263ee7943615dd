package run

import (
	"sync"

	"holdfast/loadtest/sale"
)

// Records are made up to aheadBatches batches before they are due: some 16 MiB.
// So those that are due at one instant need only be handed over, and another
// core makes them.
const (
	aheadBatch   = 256
	aheadBatches = 64
)

// ahead calls next in a goroutine of its own and returns what hands out the same.
// stop ends it; it must be called, and next isn't called after it.
func ahead(next func() (sale.Message, bool)) (out func() (sale.Message, bool), stop func()) {
	batches := make(chan []sale.Message, aheadBatches)
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(batches)
		for more := true; more; {
			batch := make([]sale.Message, 0, aheadBatch)
			for len(batch) < aheadBatch && more {
				var m sale.Message
				if m, more = next(); more {
					batch = append(batch, m)
				}
			}
			select {
			case batches <- batch:
			case <-ended:
				return
			}
		}
	})
	var batch []sale.Message
	out = func() (sale.Message, bool) {
		for len(batch) == 0 {
			var more bool
			if batch, more = <-batches; !more {
				return sale.Message{}, false
			}
		}
		m := batch[0]
		batch = batch[1:]
		return m, true
	}
	return out, func() {
		close(ended)
		wg.Wait()
	}
}
