package run

import "time"

// bursts finds how often a SKU of a shop was published within one second, at
// most. Channels have limits for it, and an update that the next one replaces at
// once only uses them up.
type bursts struct {
	by   map[string]*burst // by channel, shop and SKU
	most int
}

// burst is when a SKU was published the last few times, in milliseconds; a ring.
type burst struct {
	at   [burstMost]int64
	next int
}

const (
	// burstMost is how many within a second are told apart: so many, or more.
	burstMost = 16
	// burstKeys bounds the memory, to some 20 MiB. Those that come first are
	// watched: what everybody wants is among them.
	burstKeys = 100_000
)

func (b *bursts) note(channel, shop, sku []byte, at time.Time) {
	key := make([]byte, 0, 64)
	key = append(append(append(append(append(key, channel...), 0), shop...), 0), sku...)
	u := b.by[string(key)]
	if u == nil {
		if len(b.by) == burstKeys {
			return
		}
		if b.by == nil {
			b.by = map[string]*burst{}
		}
		u = &burst{}
		b.by[string(key)] = u
	}
	now := at.UnixMilli()
	u.at[u.next%burstMost] = now
	u.next++
	n := 0
	for i := max(0, u.next-burstMost); i < u.next; i++ {
		if age := now - u.at[i%burstMost]; age >= 0 && age < 1000 {
			n++
		}
	}
	b.most = max(b.most, n)
}
