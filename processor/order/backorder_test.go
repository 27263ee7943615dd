package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// A request that agreed to wait is accepted with nothing to be had, stands
// behind facts that came later, is filled and shipped.
func TestBackorderWaitsBehindFactsAndIsFilled(t *testing.T) {
	const back, fact = "web/main/1", "shopee/main/2"
	s := newRealShop(t, nil)
	s.take(created(back, body(record.PaymentUnpaid, record.AllowBackorder, line("1", "A", 2), line("2", "A", 1))), "")
	require.Equal(t, "backordered map[1 A backordered :2 2 A backordered :1]", s.ends(back))
	require.Equal(t, []string{"reserve A x3 #1"}, s.full)

	e := created(fact, body(record.PaymentPrepaid, record.AllowPartial, line("1", "A", 2)))
	e.Fact = true
	s.take(e, "")
	require.Equal(t, "short map[1 A short :2]", s.ends(fact))

	s.receive("A", "HCM-1", 1)
	require.Equal(t, "partly_short map[1 A allocated HCM-1:1 1 A short :1]", s.ends(fact))
	require.Equal(t, []string{"1 accepted backordered"}, s.story(back))
	s.receive("A", "HCM-1", 3)
	require.Equal(t, "allocated map[1 A allocated HCM-1:2]", s.ends(fact))
	require.Equal(t, "partly_short map[1 A held HCM-1:2 2 A backordered :1]", s.ends(back))

	s.take(event("p", record.OrderPaid, back), "")
	s.receive("A", "HN-1", 1)
	require.Equal(t, "allocated map[1 A allocated HCM-1:2 2 A allocated HN-1:1]", s.ends(back))
	s.take(event("f", record.OrderShipped, back), fulfilment)
	require.Equal(t, []string{"1 accepted backordered", "2 filled partly_short", "3 confirmed partly_short", "4 filled allocated", "5 shipped shipped"}, s.story(back))
}
