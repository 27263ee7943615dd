package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/processor"
)

// stageOf returns one stage of a report.
func stageOf(t *testing.T, r statusReport, name string) statusStage {
	t.Helper()
	for _, s := range r.Stages {
		if s.Stage == name {
			return s
		}
	}
	require.FailNow(t, "no stage "+name)
	return statusStage{}
}

// TestStatusOfARunningNode: each partition has its owner and runs, and what
// transactions leave behind in the logs isn't taken for lag.
func TestStatusOfARunningNode(t *testing.T) {
	h, _ := withBroker(t)
	h.good("topics", "apply", "--set", "channels=web")
	admin := freeAddress(t)
	n := h.startNode(t.TempDir(), "--set", "channels=web", "--admin-listen", admin, "--leave")
	h.sendText(`{"id":"HCM-1"}`, "warehouses")
	h.sendText(`{"holdfast":1,"event_id":"s-1","type":"stock.count","sku":"TEE","warehouse":"HCM-1","qty":100}`, "stock.feed")
	h.follow("channel.web.stock").until(func(r tailed) bool { return r.field("sellable") == 100.0 })

	var r statusReport
	begun := time.Now()
	for settled := false; !settled; { // the channels' commit and the inventory's second member are under way
		r = decodeJSON[statusReport](t, h.good("status", "--admin", admin, "-o", "json"))
		settled = r.LagRecords == 0
		for _, s := range r.Stages {
			settled = settled && s.GroupState == "Stable" && s.allRun()
		}
		require.Less(t, time.Since(begun), answerWithin)
	}
	require.Equal(t, "holdfast", r.AppID)
	require.Equal(t, []statusNode{{Address: admin}}, r.Nodes)
	require.Len(t, r.Stages, 4)
	markers := 0
	for _, s := range r.Stages {
		require.Positive(t, s.Members, s.Stage)
		require.Equal(t, "Stable", s.GroupState)
		for _, p := range s.Partitions {
			require.Equal(t, "running", p.State, "%s/%d", p.Topic, p.Partition)
			require.NotNil(t, p.Owner)
			require.Equal(t, "a", p.Owner.Instance)
			require.NotEmpty(t, p.Owner.Worker)
			require.Zero(t, p.LagRecords)
			require.Zero(t, p.LagSeconds)
			markers += int(p.End - p.Committed)
		}
	}
	require.Positive(t, markers, "there are markers that nobody consumes")
	require.Len(t, stageOf(t, r, "orders").Partitions, 8)
	text := h.good("status", "--admin", admin)
	require.Contains(t, text, "Application holdfast: nothing waits\n")
	require.Regexp(t, `log\.orders +0-7 +a worker 0 +0 +running\n`, text)

	n.stop()
	h.sendText(strings.Repeat(`{"holdfast":1,"event_id":"s-2","type":"stock.receive","sku":"TEE","warehouse":"HCM-1","qty":1}`+"\n", 3), "stock.feed")
	r = decodeJSON[statusReport](t, h.good("status", "--admin", admin, "-o", "json"))
	require.EqualValues(t, 3, r.LagRecords)
	require.Positive(t, r.LagSeconds)
	require.NotEmpty(t, r.Nodes[0].Error)
	intake := stageOf(t, r, "intake")
	require.EqualValues(t, 3, intake.LagRecords)
	require.Zero(t, intake.Members)
	require.Zero(t, stageOf(t, r, "inventory").LagRecords)
	for _, p := range intake.Partitions {
		require.Nil(t, p.Owner)
		require.Equal(t, statusNotAsked, p.State)
	}
	text = h.good("status", "--admin", admin)
	require.Contains(t, text, "3 records to go, the oldest waits since ")
	require.Contains(t, text, "The node at "+admin+" was asked and didn't answer: ")
}

// TestStatusCountsRecords: markers, aborted records and what isn't committed yet
// are no lag; the oldest record that waits says how long.
func TestStatusCountsRecords(t *testing.T) {
	h, b := withBroker(t)
	h.good("topics", "apply", "--set", "channels=web")
	cl := plainClient(t, b, kgo.TransactionalID("writer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	begun := time.Now()
	write := func(end kgo.TransactionEndTry, partition int32, n int, age time.Duration) {
		require.NoError(t, cl.BeginTransaction())
		for range n {
			r := &kgo.Record{Topic: "holdfast.stock.feed", Partition: partition, Value: []byte("x"), Timestamp: begun.Add(-age)}
			require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
		}
		require.NoError(t, cl.EndTransaction(t.Context(), end))
	}
	write(kgo.TryAbort, 0, 3, time.Hour)
	write(kgo.TryCommit, 0, 2, time.Minute)
	write(kgo.TryCommit, 0, 1, time.Second)
	write(kgo.TryAbort, 1, 2, time.Hour)
	write(kgo.TryCommit, 2, statusCountMax+1, time.Minute)
	require.NoError(t, cl.BeginTransaction())
	open := &kgo.Record{Topic: "holdfast.stock.feed", Partition: 3, Value: []byte("x")}
	require.NoError(t, cl.ProduceSync(t.Context(), open).FirstErr())

	r := decodeJSON[statusReport](t, h.good("status", "--set", "admin.listen=", "-o", "json"))
	require.Empty(t, r.Nodes)
	lag := map[int]int64{}
	for _, p := range stageOf(t, r, "intake").Partitions {
		if p.Topic == "stock.feed" {
			lag[int(p.Partition)] = p.LagRecords
			if p.Partition == 0 {
				require.InDelta(t, time.Minute.Seconds(), p.LagSeconds, time.Since(begun).Seconds()+0.001)
			}
		}
	}
	require.Equal(t, map[int]int64{0: 3, 1: 0, 2: statusCountMax + 2, 3: 0}, lag, "a large lag is the distance, its marker included")
	require.NoError(t, cl.EndTransaction(t.Context(), kgo.TryAbort))
}

// TestStatusAsksNodes: restoring and halted partitions are told as the nodes tell
// them; of a partition that two tell of, the one that runs counts.
func TestStatusAsksNodes(t *testing.T) {
	node := func(list ...processor.PartitionStatus) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "/status", r.URL.Path)
			_ = json.NewEncoder(w).Encode(map[string]any{"partitions": list})
		}))
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	status := func(partition int, phase string) processor.PartitionStatus {
		return processor.PartitionStatus{Stage: "orders", Topic: "holdfast.log.orders", Partition: 0, Phase: phase}
	}
	restoring := status(0, "restoring")
	restoring.RecordsLeft, restoring.ETA = 1200, 90*time.Second
	halted := status(1, "halted")
	halted.Partition, halted.Reason = 1, "offset 7: envelope"
	stale := status(2, "running")
	stale.Partition = 2
	waiting := status(2, "waiting")
	waiting.Partition = 2
	broken := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(broken.Close)

	h, _ := withBroker(t)
	h.good("topics", "apply", "--set", "channels=web")
	args := []string{"status", "--admin", node(restoring, stale) + "," + node(halted, waiting) + "," + strings.TrimPrefix(broken.URL, "http://")}
	r := decodeJSON[statusReport](t, h.good(append(args, "-o", "json")...))
	require.Equal(t, []string{"", "", "answers 404 Not Found"}, []string{r.Nodes[0].Error, r.Nodes[1].Error, r.Nodes[2].Error})
	p := stageOf(t, r, "orders").Partitions
	require.Equal(t, []any{"restoring", int64(1200), 90.0}, []any{p[0].State, p[0].RecordsLeft, p[0].ETASeconds})
	require.Equal(t, []string{"halted", "offset 7: envelope"}, []string{p[1].State, p[1].Reason})
	require.Equal(t, []string{"running", statusNotAsked}, []string{p[2].State, p[3].State})
	text := h.good(args...)
	require.Contains(t, text, "restoring, 1200 records to read, about 1m30s\n")
	require.Contains(t, text, "halted: offset 7: envelope\n")
}

func TestStatusWithoutAnApplication(t *testing.T) {
	h, _ := withBroker(t)
	require.Contains(t, h.bad(exitFailed, "status", "--app-id", "nobody"), `no topic of an application "nobody"`)
}

func (s *statusStage) allRun() bool {
	for _, p := range s.Partitions {
		if p.State != "running" || p.Owner == nil {
			return false
		}
	}
	return true
}

// TestAGroupsCoordinatorIsAway: a broker has died, or a young cluster has no topic
// for offsets yet; whoever looks then waits, and isn't told of an error, nor that
// nothing is committed.
func TestAGroupsCoordinatorIsAway(t *testing.T) {
	for _, command := range []string{"status", "audit"} {
		t.Run(command, func(t *testing.T) {
			h, b := withBroker(t)
			h.good("topics", "apply", "--set", "channels=web")
			refused := 0
			b.Cluster().ControlKey(kmsg.FindCoordinator.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
				if refused == 3 {
					return nil, nil, false
				}
				refused++
				b.Cluster().KeepControl()
				req, resp := r.(*kmsg.FindCoordinatorRequest), r.ResponseKind().(*kmsg.FindCoordinatorResponse)
				for _, key := range req.CoordinatorKeys {
					c := kmsg.NewFindCoordinatorResponseCoordinator()
					c.Key, c.ErrorCode, c.NodeID = key, kerr.CoordinatorNotAvailable.Code, -1
					resp.Coordinators = append(resp.Coordinators, c)
				}
				return resp, nil, true
			})
			h.good(command, "--set", "channels=web")
			require.Equal(t, 3, refused)
		})
	}
}
