package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// coordinatorPatience is longer than a cluster takes to notice that a broker is
// gone (broker.session.timeout.ms, 9 s unless set), to choose the next coordinator,
// and to have it load what it needs.
const coordinatorPatience = 30 * time.Second

// AskCoordinator asks what only a group's coordinator can answer until there is
// one. A young cluster is still making the topic that offsets are kept in; where a
// broker has died, the next coordinator is to be chosen. The client library doesn't
// ask again for who the coordinator is.
func AskCoordinator(ctx context.Context, ask func(ctx context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, coordinatorPatience)
	defer cancel()
	for {
		err := ask(limited)
		if !CoordinatorAway(err) {
			return err
		}
		select {
		case <-limited.Done():
			return fmt.Errorf("no broker coordinates the group: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// CoordinatorAway tells that a group has no coordinator for the moment.
func CoordinatorAway(err error) bool {
	return errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.CoordinatorLoadInProgress) || errors.Is(err, kerr.NotCoordinator)
}
