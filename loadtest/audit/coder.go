package audit

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"holdfast/topology/record"
)

// coder writes a checkpoint or reads one, by the same walk over the model: what
// is written and what is read can't differ. Its checksum is looked at before
// anything is read, so lengths are those that were written.
type coder struct {
	w     *bufio.Writer // nil when it reads
	r     *bufio.Reader
	parts []*partition // places name them by number, from 1
	err   error
}

func (c *coder) failed(err error) {
	if c.err == nil && err != nil {
		c.err = err
	}
}

// textBytesMax is more than the largest text that there is, the row of a table,
// which was the value of a record.
const textBytesMax = 16 << 20

// num codes a number.
func num[T ~int | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](c *coder, v *T) {
	if c.err != nil {
		return
	}
	if c.w != nil {
		_, err := c.w.Write(binary.AppendVarint(c.w.AvailableBuffer(), int64(*v)))
		c.failed(err)
		return
	}
	n, err := binary.ReadVarint(c.r)
	c.failed(err)
	if *v = T(n); int64(*v) != n && c.err == nil {
		c.failed(fmt.Errorf("the number %d is too large", n))
	}
}

func (c *coder) flag(v *bool) {
	n := 0
	if *v {
		n = 1
	}
	num(c, &n)
	*v = n != 0
}

func text[S ~string](c *coder, v *S) {
	n := len(*v)
	num(c, &n)
	if c.err != nil {
		return
	}
	if c.w != nil {
		_, err := c.w.WriteString(string(*v))
		c.failed(err)
		return
	}
	if n < 0 || n > textBytesMax {
		c.failed(fmt.Errorf("a text of %d bytes, the most is %d", n, textBytesMax))
		return
	}
	b := make([]byte, n)
	_, err := io.ReadFull(c.r, b)
	c.failed(err)
	*v = S(b)
}

// list codes a slice.
func list[T any](c *coder, v *[]T, each func(*T)) {
	n := len(*v)
	num(c, &n)
	for i := 0; i < n && c.err == nil; i++ {
		if c.w == nil {
			var zero T
			*v = append(*v, zero)
		}
		each(&(*v)[i])
	}
}

// table codes a map, in order of its keys.
func table[K comparable, V any](c *coder, m *map[K]V, less func(x, y K) int, each func(*K, *V)) {
	if c.w != nil {
		keys := slices.SortedFunc(maps.Keys(*m), less)
		list(c, &keys, func(k *K) {
			v := (*m)[*k]
			each(k, &v)
		})
		return
	}
	if *m == nil {
		*m = map[K]V{}
	}
	var pairs []struct{}
	list(c, &pairs, func(*struct{}) {
		var k K
		var v V
		each(&k, &v)
		(*m)[k] = v
	})
}

// rows codes a table of the application. Its rows are as the public topic has them.
func rows[T any](c *coder, m *map[string]versioned[T]) {
	table(c, m, cmp.Compare[string], func(k *string, v *versioned[T]) {
		text(c, k)
		num(c, &v.version)
		c.flag(&v.deleted)
		row, err := json.Marshal(&v.row)
		c.failed(err)
		s := string(row)
		text(c, &s)
		if c.w == nil && c.err == nil {
			c.failed(json.Unmarshal([]byte(s), &v.row))
		}
	})
}

func (c *coder) place(at *place) {
	n := slices.Index(c.parts, at.p) + 1
	num(c, &n)
	num(c, &at.offset)
	if c.w == nil && n > 0 && n <= len(c.parts) {
		at.p = c.parts[n-1]
	}
}

func (c *coder) counters(v *record.Counters) {
	num(c, &v.OnHand)
	num(c, &v.Unavailable)
	num(c, &v.Held)
	num(c, &v.Allocated)
}

func (c *coder) claim(v *claim) {
	num(c, &v.held)
	num(c, &v.allocated)
}

func (c *coder) names(v *names) {
	texts := v.texts[1:]
	if c.w == nil {
		texts = nil
	}
	list(c, &texts, func(s *string) { text(c, s) })
	if c.w == nil {
		for _, s := range texts {
			v.number(s)
		}
	}
}

func (c *coder) tally(t *tally) {
	num(c, &t.sent)
	num(c, &t.consumed)
	num(c, &t.decided)
	num(c, &t.deciding)
	num(c, &t.at)
}

func (c *coder) key(k *commandKey) {
	num(c, &k.order)
	num(c, &k.sku)
	num(c, &k.attempt)
	num(c, &k.verb)
}
