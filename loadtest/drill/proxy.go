package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Proxy stands between a node and the brokers, and is the network that fails. It
// knows Kafka's frames: where a broker says how it is reached, it puts itself.
//
//	node ──▶ Address ─▶ queue ─(delay)─▶ broker
//	     ◀─(delay)─ queue ◀─ addresses put right ◀─
//
// A client of it never connects to a broker directly. What goes past it (loads,
// audits, other nodes) isn't concerned.
type Proxy struct {
	Address string // for Node.Brokers

	mu     sync.Mutex
	fronts map[string]*front // by the broker's address
	links  map[*link]bool
	delay  time.Duration // each way
	cut    bool
	lose   map[int16]*loss
	closed bool
	wg     sync.WaitGroup
}

// front is where one broker is reached.
type front struct {
	broker   string
	listener net.Listener
}

// loss is of answers to one kind of request.
type loss struct {
	left int
	done int
}

// link is one connection of a client and the one behind it.
type link struct {
	client, broker net.Conn

	mu    sync.Mutex
	asked map[int32]asked // by correlation id
}

type asked struct{ key, version int16 }

// frameBytesMax is above the largest fetch.
const frameBytesMax = 256 << 20

// Proxy puts one in front of the broker. It ends with the drill.
func (s *Scene) Proxy() (*Proxy, error) {
	p := &Proxy{fronts: map[string]*front{}, links: map[*link]bool{}, lose: map[int16]*loss{}}
	var err error
	if p.Address, err = p.front(s.Kafka.Address); err != nil {
		return nil, err
	}
	s.Closing(p.close)
	return p, nil
}

// front returns where a broker is reached by way of the proxy, which listens
// there from then on.
func (p *Proxy) front(broker string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return "", net.ErrClosed
	}
	f := p.fronts[broker]
	if f == nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", fmt.Errorf("the proxy: %w", err)
		}
		f = &front{broker: broker, listener: l}
		p.fronts[broker] = f
		p.wg.Go(func() { p.accept(f) })
	}
	return f.listener.Addr().String(), nil
}

func (p *Proxy) accept(f *front) {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		p.wg.Go(func() { p.serve(f, client) })
	}
}

func (p *Proxy) serve(f *front, client net.Conn) {
	defer client.Close() //nolint:errcheck // nobody could be told
	if p.isCut() {
		return
	}
	broker, err := net.Dial("tcp", f.broker)
	if err != nil {
		return
	}
	defer broker.Close() //nolint:errcheck // nobody could be told
	l := &link{client: client, broker: broker, asked: map[int32]asked{}}
	if !p.add(l) {
		return
	}
	defer p.remove(l)
	var both sync.WaitGroup
	both.Go(func() { p.carry(l, client, broker, p.request) })
	both.Go(func() { p.carry(l, broker, client, p.answer) })
	both.Wait()
}

// frame is one on its way.
type frame struct {
	bytes []byte // with its length
	due   time.Time
}

// carry takes frames from one side to the other until either ends, each as late
// as the link is slow, and then ends both.
func (p *Proxy) carry(l *link, from io.Reader, to io.Writer, look func(*link, []byte) ([]byte, error)) {
	queue := make(chan frame, 64)
	defer l.close()
	defer close(queue)
	go func() {
		defer l.close()
		for f := range queue {
			<-time.After(time.Until(f.due))
			if _, err := to.Write(f.bytes); err != nil {
				break
			}
		}
		for range queue { // until the reader has noticed
		}
	}()
	for {
		b, err := readFrame(from)
		if err != nil {
			return
		}
		if b, err = look(l, b); err != nil {
			return
		}
		out := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b)))
		queue <- frame{append(out, b...), time.Now().Add(p.latency())}
	}
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > frameBytesMax {
		return nil, fmt.Errorf("a frame of %d bytes", n)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// request notes what is asked: int16 key, int16 version, int32 correlation id.
func (p *Proxy) request(l *link, b []byte) ([]byte, error) {
	if len(b) < 8 {
		return nil, io.ErrUnexpectedEOF
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[int32(binary.BigEndian.Uint32(b[4:]))] = asked{int16(binary.BigEndian.Uint16(b)), int16(binary.BigEndian.Uint16(b[2:]))}
	return b, nil
}

var errLost = errors.New("the answer is lost, on purpose")

func (p *Proxy) answer(l *link, b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, io.ErrUnexpectedEOF
	}
	id := int32(binary.BigEndian.Uint32(b))
	l.mu.Lock()
	a, ok := l.asked[id]
	delete(l.asked, id)
	l.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("an answer to nothing: correlation id %d", id)
	}
	if p.loses(a.key) {
		return nil, errLost
	}
	return rewrite(b, a.key, a.version, p.front)
}

// rewrite puts the proxy's addresses where an answer names brokers'.
func rewrite(b []byte, key, version int16, front func(broker string) (string, error)) ([]byte, error) {
	move := func(host *string, port *int32) error {
		if *host == "" || *port <= 0 {
			return nil // an error's
		}
		at, err := front(net.JoinHostPort(*host, strconv.Itoa(int(*port))))
		if err != nil {
			return err
		}
		h, text, err := net.SplitHostPort(at)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(text)
		*host, *port = h, int32(n)
		return err
	}
	r := kmsg.ResponseForKey(key)
	switch r.(type) {
	case *kmsg.MetadataResponse, *kmsg.FindCoordinatorResponse, *kmsg.DescribeClusterResponse:
	default:
		return b, nil
	}
	r.SetVersion(version)
	head := 4
	if r.IsFlexible() {
		n, err := tagBytes(b[head:])
		if err != nil {
			return nil, err
		}
		head += n
	}
	if err := r.ReadFrom(b[head:]); err != nil {
		return nil, fmt.Errorf("an answer to request %d, version %d: %w", key, version, err)
	}
	var errs []error
	switch r := r.(type) {
	case *kmsg.MetadataResponse:
		for i := range r.Brokers {
			errs = append(errs, move(&r.Brokers[i].Host, &r.Brokers[i].Port))
		}
	case *kmsg.FindCoordinatorResponse:
		errs = append(errs, move(&r.Host, &r.Port))
		for i := range r.Coordinators {
			errs = append(errs, move(&r.Coordinators[i].Host, &r.Coordinators[i].Port))
		}
	case *kmsg.DescribeClusterResponse:
		for i := range r.Brokers {
			errs = append(errs, move(&r.Brokers[i].Host, &r.Brokers[i].Port))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r.AppendTo(append([]byte(nil), b[:head]...)), nil
}

// tagBytes is how long the tags of a header are: their number, and for each its
// own, its length and as many bytes.
func tagBytes(b []byte) (int, error) {
	at := 0
	number := func() (uint64, error) {
		v, n := binary.Uvarint(b[at:])
		if n <= 0 {
			return 0, io.ErrUnexpectedEOF
		}
		at += n
		return v, nil
	}
	count, err := number()
	for range min(count, uint64(len(b))) {
		if _, err = number(); err != nil {
			return 0, err
		}
		size, err := number()
		if err != nil || size > uint64(len(b)-at) {
			return 0, io.ErrUnexpectedEOF
		}
		at += int(size)
	}
	return at, err
}

// Slow makes every frame so late, each way, from now on.
func (p *Proxy) Slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// Cut ends all connections and takes no new ones, until Mend.
func (p *Proxy) Cut() {
	p.mu.Lock()
	p.cut = true
	links := p.links
	p.links = map[*link]bool{}
	p.mu.Unlock()
	for l := range links {
		l.close()
	}
}

// Mend lets connections through again.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// Lose ends the connection in place of the next n answers to a kind of request:
// the broker has done what it was asked for, and nobody hears of it.
func (p *Proxy) Lose(key kmsg.Key, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose[int16(key)] = &loss{left: n}
}

// Lost is how many answers were lost since then.
func (p *Proxy) Lost(key kmsg.Key) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lose[int16(key)]; l != nil {
		return l.done
	}
	return 0
}

func (p *Proxy) loses(key int16) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lose[key]
	if l == nil || l.left == 0 {
		return false
	}
	l.left--
	l.done++
	return true
}

func (p *Proxy) latency() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

func (p *Proxy) isCut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut || p.closed {
		return false
	}
	p.links[l] = true
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	for _, f := range p.fronts {
		_ = f.listener.Close() // it takes no more
	}
	p.mu.Unlock()
	p.Cut()
	p.wg.Wait()
}

func (l *link) close() {
	_ = l.client.Close() // whoever reads or writes notices
	_ = l.broker.Close()
}
