package audit

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// An outage is not lateness: the log went on for ten minutes, and the stage read
// none of it. Its first transaction after that works off a chunk of what is due,
// at the log's time of then; what that leaves over bears the time of today, and
// is written at once.
//
//	due A, B ── log goes on ──┤ stands still, 10 min ├─ A expires at the log's time, B at today's
func TestWhatAStandstillLeftOverIsNotLate(t *testing.T) {
	const outage = 600_000
	for _, c := range []struct {
		name    string
		stood   record.Millis // as A's event shows
		then    record.Millis // until B expires
		verdict string
	}{
		{"at once", outage, 500, Pass},
		{"after other chunks", outage, 20_000, Pass},
		{"long after", outage, 400_000, Fail},
		{"without a standstill", 0, outage, Fail},
	} {
		b := newToy()
		b.config.Settled = true
		b.stock(record.VerbReceive, "TEE", "HCM-1", 10)
		first := b.create(ofHalf(0, 0), false, map[string]record.Quantity{"TEE": 1})
		second := b.create(ofHalf(0, 1), false, map[string]record.Quantity{"TEE": 1})
		b.clock = second.due
		b.write("log.orders", half(first.key), "", nil, factEntry{kind: record.KindTick})
		due := b.clock
		b.clock += c.stood
		b.release(first, record.LineReleased, "expiry")
		b.tell(first, record.UpdateExpired)
		b.update(record.OrderKey(first.key), record.UpdateExpired).At = due
		b.clock += c.then
		b.write("log.orders", half(first.key), "", nil, factEntry{kind: record.KindTick})
		b.release(second, record.LineReleased, "expiry")
		b.tell(second, record.UpdateExpired)
		b.publish()
		report := b.fold(t, New(b.config, b.whole()))
		require.Equal(t, c.verdict, report.Verdict, "%s: %+v", c.name, report.Violations)
		if c.verdict == Fail {
			require.Equal(t, map[Rule]int{RuleExpiredLate: 1}, report.ViolationsByRule, c.name)
		}
	}
}

// ofHalf is the n-th order key of a partition.
func ofHalf(partition, n int) string {
	for i := range 1000 {
		if key := fmt.Sprintf("web/main/W-%d", i); half(key) == partition {
			if n--; n < 0 {
				return key
			}
		}
	}
	panic("BUG: there are more")
}
