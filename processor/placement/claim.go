package placement

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Lag is how much a store lacks of its changelog. A power of two of records is all
// that matters, and is the same in two joins of one rebalance.
type Lag uint8

const (
	// Even: it had all that there was a moment ago.
	Even Lag = 0
	// Warm is the most that a store may lack and still be as good as even: some
	// hundred milliseconds of reading, and what a busy stage writes in a second
	// or two.
	Warm Lag = 10
	// OnDisk: there is a store, of which nobody knows how old it is.
	OnDisk Lag = 80
	// None: there is none.
	None Lag = 90
)

// LagOf returns the lag of a store that lacks so many records.
func LagOf(records int64) Lag { return Lag(bits.Len64(uint64(max(records, 0)))) } // #nosec G115 -- not negative

// Claim is what a member says of its process when it joins. It belongs to the
// input of a stage with state, which has one.
type Claim struct {
	// Standbys: the node keeps standbys, so that it can warm a store up.
	Standbys bool
	// Stores are the partitions of which the node has a store.
	Stores map[int32]Lag
}

const (
	claimVersion = 1
	// claimsMax bounds what is read of a member; no log has so many partitions.
	claimsMax = 1 << 16
)

// Append encodes a claim:
//
//	┌─────────┬──────────┬───────┬───────────────────────────┐
//	│ version │ standbys │ count │ partition, lag   (· count)│
//	│ byte    │ byte     │ uvar  │ uvar       byte           │
//	└─────────┴──────────┴───────┴───────────────────────────┘
//
// A later version may add to the end; who knows only this one reads so far.
func (c *Claim) Append(b []byte) []byte {
	b = append(b, claimVersion, 0)
	if c.Standbys {
		b[len(b)-1] = 1
	}
	partitions := make([]int32, 0, len(c.Stores))
	for p := range c.Stores {
		partitions = append(partitions, p)
	}
	slices.Sort(partitions)
	b = binary.AppendUvarint(b, uint64(len(partitions)))
	for _, p := range partitions {
		b = binary.AppendUvarint(b, uint64(uint32(p))) // #nosec G115 -- never negative
		b = append(b, byte(c.Stores[p]))
	}
	return b
}

var errShort = errors.New("claim of a member ends too early")

// ParseClaim decodes a claim.
func ParseClaim(b []byte) (Claim, error) {
	if len(b) < 3 {
		return Claim{}, errShort
	}
	if b[0] < claimVersion {
		return Claim{}, fmt.Errorf("claim of a member has version %d", b[0])
	}
	c := Claim{Standbys: b[1] != 0, Stores: map[int32]Lag{}}
	count, n := binary.Uvarint(b[2:])
	if n <= 0 {
		return Claim{}, errShort
	}
	if count > claimsMax {
		return Claim{}, fmt.Errorf("claim of a member has %d stores, at most %d are read", count, claimsMax)
	}
	b = b[2+n:]
	for range count {
		p, n := binary.Uvarint(b)
		if n <= 0 || len(b) <= n {
			return Claim{}, errShort
		}
		if p >= claimsMax {
			return Claim{}, fmt.Errorf("claim of a member names partition %d, the last can be %d", p, claimsMax-1)
		}
		c.Stores[int32(p)] = Lag(b[n]) // #nosec G115 -- below claimsMax
		b = b[n+1:]
	}
	return c, nil
}
