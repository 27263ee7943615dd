package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// A node's own /status, asked as the command asks it.
type standbyNode struct {
	oneOfEach
	standbys []processor.StandbyStatus
}

func (n standbyNode) Standbys() []processor.StandbyStatus { return n.standbys }

func TestStatusShowsStandbys(t *testing.T) {
	tc := topology.Default()
	tc.Channels = []string{"web"}
	top, err := topology.New(tc)
	require.NoError(t, err)
	name := top.Name(topology.LogOrders)
	stands := func(p int, lag int64, behind time.Duration, whole bool) processor.StandbyStatus {
		return processor.StandbyStatus{Stage: topology.StageOrders, Topic: name, Partition: record.Partition(p), Lag: lag, Behind: behind, Whole: whole}
	}
	nodes := map[string][]processor.StandbyStatus{
		"b": {stands(0, 1, 100*time.Millisecond, true), stands(1, 1, 0, true), stands(2, 1, 0, true)},
		"c": {stands(2, 12000, 8*time.Second, true), stands(3, 90, time.Minute, false)},
	}
	var addresses []string
	for _, instance := range []string{"b", "c"} {
		a := &admin{instance: instance, node: standbyNode{standbys: nodes[instance]}, lag: oneOfEach{}}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(indentJSON(a.report()))
		}))
		t.Cleanup(server.Close)
		addresses = append(addresses, strings.TrimPrefix(server.URL, "http://"))
	}
	r := &statusReport{Stages: []statusStage{{Stage: topology.StageOrders, Group: "g"}}}
	for p := range record.Partition(5) {
		r.Stages[0].Partitions = append(r.Stages[0].Partitions, statusPartition{Topic: topology.LogOrders, Partition: p, State: "running", Owner: &statusOwner{Instance: "a", Worker: "0"}})
	}
	r.askNodes(t.Context(), top, addresses)
	require.Equal(t, []statusStandby{{Instance: "b", LagRecords: 1, Whole: true}, {Instance: "c", LagRecords: 12000, LagSeconds: 8, Whole: true}}, r.Stages[0].Partitions[2].Standbys)
	var out bytes.Buffer
	require.NoError(t, r.writeText(&out))
	var got []string
	for _, line := range strings.Split(out.String(), "\n") {
		if strings.Contains(line, "log.orders") {
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
	}
	require.Equal(t, []string{
		"log.orders 0-1 a worker 0 0 running b",
		"log.orders 2 a worker 0 0 running b, c (12000 records, 8.0 s behind)",
		"log.orders 3 a worker 0 0 running c (begins anew)",
		"log.orders 4 a worker 0 0 running none",
	}, got)
}
