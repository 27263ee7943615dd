package main

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestProxyPutsItselfWhereBrokersAreNamed(t *testing.T) {
	front := func(broker string) (string, error) {
		require.Equal(t, "10.0.0.1:9092", broker)
		return "127.0.0.1:4711", nil
	}
	name := "t"
	for _, key := range []kmsg.Key{kmsg.Metadata, kmsg.FindCoordinator, kmsg.DescribeCluster} {
		for version := int16(0); version <= kmsg.ResponseForKey(key.Int16()).MaxVersion(); version++ {
			r := kmsg.ResponseForKey(key.Int16())
			var host *string
			var port *int32
			switch r := r.(type) {
			case *kmsg.MetadataResponse:
				r.Brokers = []kmsg.MetadataResponseBroker{{Host: "10.0.0.1", Port: 9092}}
				r.Topics = []kmsg.MetadataResponseTopic{{Topic: &name}}
			case *kmsg.FindCoordinatorResponse:
				if version < 4 {
					r.Host, r.Port = "10.0.0.1", 9092
				} else {
					r.Coordinators = []kmsg.FindCoordinatorResponseCoordinator{{Host: "10.0.0.1", Port: 9092}, {ErrorCode: 15, Port: -1}}
				}
			case *kmsg.DescribeClusterResponse:
				r.Brokers = []kmsg.DescribeClusterResponseBroker{{Host: "10.0.0.1", Port: 9092}}
			}
			r.SetVersion(version)
			head := []byte{0, 0, 0, 7}
			if r.IsFlexible() {
				head = append(head, 1, 5, 2, 8, 8) // one tag: number 5, two bytes
			}
			b, err := rewrite(r.AppendTo(head), key.Int16(), version, front)
			require.NoError(t, err)
			require.Equal(t, head, b[:len(head)])
			got := kmsg.ResponseForKey(key.Int16())
			got.SetVersion(version)
			require.NoError(t, got.ReadFrom(b[len(head):]))
			switch r := got.(type) {
			case *kmsg.MetadataResponse:
				host, port = &r.Brokers[0].Host, &r.Brokers[0].Port
				require.Equal(t, name, *r.Topics[0].Topic)
			case *kmsg.FindCoordinatorResponse:
				host, port = &r.Host, &r.Port
				if version >= 4 {
					host, port = &r.Coordinators[0].Host, &r.Coordinators[0].Port
					require.EqualValues(t, -1, r.Coordinators[1].Port, "an error names nobody")
				}
			case *kmsg.DescribeClusterResponse:
				host, port = &r.Brokers[0].Host, &r.Brokers[0].Port
			}
			require.Equal(t, "127.0.0.1", *host, "%v version %d", key, version)
			require.EqualValues(t, 4711, *port)
		}
	}
}

// echo is a broker whose answer to everything is the request's correlation id.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for {
					b, err := readFrame(c)
					if err != nil {
						return
					}
					if _, err := c.Write(append([]byte{0, 0, 0, 4}, b[4:8]...)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestProxyFails(t *testing.T) {
	s := &Scene{Kafka: &Kafka{Address: echo(t)}}
	p, err := s.Proxy()
	require.NoError(t, err)
	defer p.close()
	ask := func(c net.Conn, key kmsg.Key) error {
		frame := binary.BigEndian.AppendUint32(nil, 8)
		frame = binary.BigEndian.AppendUint16(frame, uint16(key))
		frame = append(frame, 0, 0, 0, 0, 0, 9)
		if _, err := c.Write(frame); err != nil {
			return err
		}
		b, err := readFrame(c)
		if err == nil {
			require.Equal(t, []byte{0, 0, 0, 9}, b)
		}
		return err
	}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.Address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	c := dial()
	require.NoError(t, ask(c, kmsg.Heartbeat))
	p.Lose(kmsg.EndTxn, 1)
	require.NoError(t, ask(c, kmsg.Heartbeat))
	require.Error(t, ask(c, kmsg.EndTxn))
	require.Equal(t, 1, p.Lost(kmsg.EndTxn))
	c = dial()
	require.NoError(t, ask(c, kmsg.EndTxn), "one was to be lost")
	p.Slow(20 * time.Millisecond)
	began := time.Now()
	require.NoError(t, ask(c, kmsg.Heartbeat))
	require.GreaterOrEqual(t, time.Since(began), 40*time.Millisecond)
	p.Slow(0)
	p.Cut()
	require.Error(t, ask(c, kmsg.Heartbeat))
	require.Error(t, ask(dial(), kmsg.Heartbeat))
	p.Mend()
	require.NoError(t, ask(dial(), kmsg.Heartbeat))
}

func TestFramesAreBounded(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	go func() {
		_, _ = b.Write([]byte{0x7f, 0xff, 0xff, 0xff})
		_ = b.Close()
	}()
	_, err := readFrame(a)
	require.ErrorContains(t, err, "a frame of 2147483647 bytes")
}
