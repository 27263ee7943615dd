package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// leaveStatic takes a static member out of its group by its instance id. The
// client itself never does: static members come back.
func (s *session) leaveStatic(ctx context.Context) {
	m := kmsg.NewLeaveGroupRequestMember()
	m.InstanceID = &s.member.TransactionalID
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.Members = s.member.Group, append(req.Members, m)
	if _, err := req.RequestWith(ctx, s.admin); err != nil {
		s.cfg.Logger.Warn("leaving the group", "group", s.member.Group, "err", err)
	}
}
