package kafka_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// wire carries the connections of one node. It can be cut or frozen, and can lose
// or change the answer to a request after the broker has dealt with it: what a
// broker's own fault hooks can't do, since they answer in its place.
//
//	client ──write──> conn ──> broker     a whole request is looked at, then passed on
//	       <──read─── conn <── broker     a whole answer is read, then passed on or not
type wire struct {
	mu     sync.Mutex
	conns  map[*conn]bool
	dead   bool
	thaw   chan struct{} // nil: not frozen
	faults []*wireFault
}

// wireFault is what happens to some requests of a kind, or to their answers.
type wireFault struct {
	key    kmsg.Key
	left   int
	before func()             // the request is about to be written
	after  func(frame []byte) // the answer has come, and is passed on as it is then
	lose   bool               // the connection is closed instead
	hits   chan struct{}      // told of each
}

func newWire() *wire { return &wire{conns: map[*conn]bool{}} }

// fault arms a fault for the next n requests.
func (w *wire) fault(n int, f wireFault) *wireFault {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.left, f.hits = n, make(chan struct{}, 1000)
	w.faults = append(w.faults, &f)
	return &f
}

// await waits until the fault has happened.
func (f *wireFault) await(ctx context.Context) error {
	select {
	case <-f.hits:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *wire) take(key kmsg.Key) *wireFault {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		if f.key == key && f.left > 0 {
			f.left--
			return f
		}
	}
	return nil
}

var errCut = errors.New("the wire is cut")

func (w *wire) dial(ctx context.Context, network, host string) (net.Conn, error) {
	if err := w.wait(ctx); err != nil {
		return nil, err
	}
	inner, err := new(net.Dialer).DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, w: w, pending: map[int32]*wireFault{}, closed: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		inner.Close()
		return nil, errCut
	}
	w.conns[c] = true
	return c, nil
}

// wait blocks while the wire is frozen.
func (w *wire) wait(ctx context.Context) error {
	w.mu.Lock()
	thaw, dead := w.thaw, w.dead
	w.mu.Unlock()
	if dead {
		return errCut
	}
	if thaw == nil {
		return nil
	}
	select {
	case <-thaw:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cut ends all connections for good, as the end of a process does.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
	for c := range w.conns {
		c.Conn.Close()
	}
	w.meltLocked()
}

// freeze stops everything on the wire until melt, as a stopped process does.
func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.thaw == nil {
		w.thaw = make(chan struct{})
	}
}

func (w *wire) frozen() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.thaw != nil
}

func (w *wire) melt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meltLocked()
}

func (w *wire) meltLocked() {
	if w.thaw != nil {
		close(w.thaw)
		w.thaw = nil
	}
}

type conn struct {
	net.Conn
	w       *wire
	mu      sync.Mutex
	pending map[int32]*wireFault // by correlation id
	in      bytes.Reader         // of the answer that is being passed on
	once    sync.Once
	closed  chan struct{}
}

// Write gets whole requests: length, key, version, correlation id.
func (c *conn) Write(p []byte) (int, error) {
	if len(p) >= 12 {
		if f := c.w.take(kmsg.Key(binary.BigEndian.Uint16(p[4:]))); f != nil {
			c.mu.Lock()
			c.pending[int32(binary.BigEndian.Uint32(p[8:]))] = f
			c.mu.Unlock()
			if f.before != nil {
				f.before()
				f.hits <- struct{}{}
			}
		}
	}
	if err := c.pass(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (c *conn) Read(p []byte) (int, error) {
	if c.in.Len() == 0 {
		if err := c.frame(); err != nil {
			return 0, err
		}
	}
	return c.in.Read(p)
}

func (c *conn) frame() error {
	head := make([]byte, 8) // length, correlation id
	if _, err := io.ReadFull(c.Conn, head); err != nil {
		return err
	}
	frame := make([]byte, 4+int(binary.BigEndian.Uint32(head)))
	copy(frame, head)
	if _, err := io.ReadFull(c.Conn, frame[8:]); err != nil {
		return err
	}
	c.mu.Lock()
	f := c.pending[int32(binary.BigEndian.Uint32(head[4:]))]
	c.mu.Unlock()
	if f != nil && f.after != nil {
		f.after(frame)
		f.hits <- struct{}{}
	}
	if f != nil && f.lose {
		c.Close()
		f.hits <- struct{}{}
		return io.EOF
	}
	if err := c.pass(); err != nil {
		return err
	}
	c.in.Reset(frame)
	return nil
}

// pass waits while the wire is frozen, or until the connection is closed.
func (c *conn) pass() error {
	c.w.mu.Lock()
	thaw := c.w.thaw
	c.w.mu.Unlock()
	if thaw == nil {
		return nil
	}
	select {
	case <-thaw:
		return nil
	case <-c.closed:
		return net.ErrClosed
	}
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.w.mu.Lock()
	delete(c.w.conns, c)
	c.w.mu.Unlock()
	return c.Conn.Close()
}
