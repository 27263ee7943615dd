package kafka

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOfTheGone(t *testing.T) {
	const group, asker = "app.orders", "app.orders.b.0"
	open := func(ids ...string) (out []openTransaction) {
		for i, id := range ids {
			out = append(out, openTransaction{id: id, state: stateOngoing, producer: int64(i), epoch: int16(i)})
		}
		return out
	}
	for name, c := range map[string]struct {
		open    []openTransaction
		members []string
		gone    []string
	}{
		"nothing is open":                           {nil, []string{asker}, nil},
		"gone for good":                             {open("app.orders.a.0"), []string{asker}, []string{"app.orders.a.0"}},
		"several, of several nodes":                 {open("app.orders.a.0", "app.orders.a.1", "app.orders.c.0"), []string{asker, "app.orders.a.1"}, []string{"app.orders.a.0", "app.orders.c.0"}},
		"down, within its session":                  {open("app.orders.a.0"), []string{asker, "app.orders.a.0"}, nil},
		"the asker's own":                           {open(asker), []string{asker}, nil},
		"another worker of the asker's node":        {open("app.orders.b.1"), []string{asker, "app.orders.b.1"}, nil},
		"a worker that the node no longer has":      {open("app.orders.b.1"), []string{asker}, []string{"app.orders.b.1"}},
		"the asker was put out too":                 {open("app.orders.a.0"), []string{"app.orders.c.0"}, nil},
		"a group without members":                   {open("app.orders.a.0"), nil, nil},
		"another stage's":                           {open("app.inventory.a.0"), []string{asker}, nil},
		"a stage whose name begins with this one's": {open("app.orders2.a.0"), []string{asker}, nil},
		"another application's":                     {open("app2.orders.a.0", "apporders.a.0", "orders.a.0"), []string{asker}, nil},
		"not a worker's":                            {open("app.orders", "app.orders.", "app.orders.a", "app.orders.a.", "app.orders..0", "app.orders.a.0.x"), []string{asker}, nil},
		"it ends already": {[]openTransaction{
			{id: "app.orders.a.0", state: "PrepareAbort"}, {id: "app.orders.a.1", state: "PrepareCommit"}, {id: "app.orders.a.2", state: "PrepareEpochFence"},
			{id: "app.orders.a.3", state: "CompleteAbort"}, {id: "app.orders.a.4", state: "Empty"}, {id: "app.orders.a.5", state: "Dead"},
		}, []string{asker}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, g := range ofTheGone(group, asker, c.open, c.members) {
				require.Contains(t, c.open, g, "id and epoch are those that were described")
				got = append(got, g.id)
			}
			require.Equal(t, c.gone, got)
		})
	}
}
