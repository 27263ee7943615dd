package order

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

// TestScriptsShowEveryWord: each event that comes in, each type, status, line
// state and reason that goes out, and each command to inventory is in a script;
// -v prints in which.
func TestScriptsShowEveryWord(t *testing.T) {
	shown := map[string]map[string][]string{} // kind, word, scripts
	note := func(kind, word, script string) {
		if shown[kind] == nil {
			shown[kind] = map[string][]string{}
		}
		if !slices.Contains(shown[kind][word], script) {
			shown[kind][word] = append(shown[kind][word], script)
		}
	}
	paths, err := filepath.Glob("testdata/scripts/*")
	require.NoError(t, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, l := range strings.Split(string(text), "\n") {
			noteLine(l, filepath.Base(path), note)
		}
	}
	for kind, words := range map[string][]string{
		"input": {"create", "paid", "cancel", "pick", "pack", "ship", "deliver", "return", "snapshot", "status", "unsupported", "tick", "warehouses"},
		"command": {record.VerbReserve.String(), record.VerbConfirm.String(), record.VerbRelease.String(), record.VerbReduce.String(),
			record.VerbShip.String(), record.VerbShipUnclaimed.String(), record.VerbReturn.String()},
		"type": {record.UpdateAccepted, record.UpdateRejected, record.UpdateConfirmed, record.UpdateExpired, record.UpdateRevived, record.UpdateCancelled, record.UpdateFilled,
			record.UpdatePicking, record.UpdatePacked, record.UpdateShipped, record.UpdateDelivered, record.UpdateCompleted, record.UpdateReturned, record.UpdateRefused},
		"status": {"held", "allocated", "picking", "packed", "shipped", "delivered", "completed", "short", "backordered", "partly_short", "rejected", "cancelled", "returned"},
		"line state": {record.LineHeld, record.LineAllocated, record.LineShort, record.LineBackordered, record.LineReleased, record.LineShipped,
			record.LineDelivered, record.LineReturned, record.LineCancelled},
		"action": {actionShip, actionCancel, actionShort},
		"reason": {record.ReasonOutOfStock, record.ReasonUnknownSKU, reasonExpired, reasonUndecided, reasonExpiredBeforePaid, reasonOrderExists, reasonEventConflict,
			reasonAlreadyShipped, reasonNotAllocated, reasonNotShipped, reasonLineUnknown, reasonShippedAfterCancel, reasonShippedUnallocated, reasonAmend,
			reasonNotSupported, reasonOrderCancelled, reasonOrderRejected},
		"dead letter": {"order_unknown", "inbox_full", "too_old", reasonEventConflict},
	} {
		for _, word := range words {
			if len(shown[kind][word]) == 0 {
				t.Errorf("no script shows the %s %q", kind, word)
			}
			t.Logf("%-12s %-28s %s", kind, word, strings.Join(shown[kind][word], " "))
		}
	}
}

// noteLine notes the words of a line of a script.
func noteLine(l, script string, note func(kind, word, script string)) {
	f := strings.Fields(l)
	switch {
	case len(f) == 0 || f[0] == "#":
	case f[0] == ">":
		note("command", f[1], script)
	case f[0] == "dead":
		note("dead letter", strings.TrimSuffix(f[1], ":"), script)
	case f[0] == "=" || f[0] == "<":
		parts := strings.Split(l, " | ")
		head := strings.Fields(parts[0])
		if f[0] == "=" {
			note("type", head[2], script)
		}
		note("status", head[3], script)
		if len(head) > 4 && head[4][0] == '(' {
			note("reason", strings.Trim(head[4], "()"), script)
		}
		for _, p := range parts[1:] {
			if w := strings.Fields(p); f[0] == "=" {
				note("line state", w[3], script)
			} else {
				note("action", w[1], script)
			}
		}
	default:
		note("input", f[0], script)
	}
}
