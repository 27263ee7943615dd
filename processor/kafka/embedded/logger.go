package embedded

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// logger passes on what kfake logs. kfake's info is about single requests, so it
// is our debug.
type logger struct{ to *slog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	}
	if ctx := context.Background(); l.to.Enabled(ctx, to) {
		l.to.Log(ctx, to, fmt.Sprintf(format, args...), "broker", "embedded")
	}
}
