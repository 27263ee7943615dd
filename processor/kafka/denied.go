package kafka

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// denied names the right that is missing where a broker refuses, since its answer
// doesn't. topic is that of what was written, "" where nothing was. Any other
// error, and none, is returned as it is.
func (s *session) denied(err error, topic string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return fmt.Errorf("not allowed: WRITE on transactional id %s: %w", s.member.TransactionalID, err)
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return fmt.Errorf("not allowed: READ on group %s: %w", s.member.Group, err)
	case topic != "" && errors.Is(err, kerr.TopicAuthorizationFailed):
		return fmt.Errorf("not allowed: WRITE on topic %s: %w", topic, err)
	}
	return err
}
