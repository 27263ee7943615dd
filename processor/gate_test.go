package processor

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// tableCluster has one table. Of its offsets, r is a record, m a marker and a an
// aborted record, which no reader is shown.
type tableCluster struct {
	Cluster
	log       string
	start     record.Offset
	committed record.Offset
	err       error
}

func (c *tableCluster) Committed(context.Context, string, TopicPartition) (record.Offset, bool, error) {
	return c.committed, c.committed >= 0, c.err
}

func (c *tableCluster) Bounds(context.Context, TopicPartition) (start, end record.Offset, err error) {
	return c.start, record.Offset(len(c.log)), nil
}

func (c *tableCluster) Read(_ context.Context, _ TopicPartition, from record.Offset) (ChangelogReader, error) {
	return &tableReader{c, from}, nil
}

// tableReader returns one record at a time, and where there is none, that time is
// up.
type tableReader struct {
	*tableCluster
	next record.Offset
}

func (r *tableReader) Read(context.Context) ([]ChangelogRecord, error) {
	for ; int(r.next) < len(r.log); r.next++ {
		if what := r.log[r.next]; what != 'a' {
			r.next++
			return []ChangelogRecord{{Offset: r.next - 1, Control: what == 'm'}}, nil
		}
	}
	return nil, context.DeadlineExceeded
}

func (*tableReader) Close() {}

func TestTablesDone(t *testing.T) {
	for _, c := range []struct {
		name string
		c    tableCluster
		want bool
	}{
		{"nothing was ever written", tableCluster{log: "", committed: -1}, true},
		{"nobody has begun", tableCluster{log: "rr", committed: -1}, false},
		{"a row is left", tableCluster{log: "rr", committed: 1}, false},
		{"all is consumed", tableCluster{log: "rr", committed: 2}, true},
		{"a transaction's marker is left", tableCluster{log: "rrm", committed: 2}, true},
		{"a row behind a marker", tableCluster{log: "rmr", committed: 1}, false},
		{"an aborted transaction is left", tableCluster{log: "rmaam", committed: 1}, true},
		{"there are only markers, and nobody has begun", tableCluster{log: "aam", committed: -1}, true},
		{"all that was there is deleted", tableCluster{log: "rr", start: 2, committed: -1}, true},
		{"a transaction is open", tableCluster{log: "rma", committed: 1}, false},
		{"the offset isn't known", tableCluster{log: "r", committed: 1, err: errors.New("no coordinator")}, false},
	} {
		require.Equal(t, c.want, tablesDone(&c.c, "g", []TopicPartition{{Topic: "holdfast.warehouses"}}), c.name)
	}
}
