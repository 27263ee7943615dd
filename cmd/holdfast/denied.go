package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"holdfast/topology"
)

// rightsHint ends the message of whoever lacks a right.
const rightsHint = "holdfast topics acls lists the rights that each user needs"

// isDenied tells that a broker refused for want of a right.
func isDenied(err error) bool {
	return errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.GroupAuthorizationFailed) ||
		errors.Is(err, kerr.TransactionalIDAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed)
}

// denied names the right that is missing, which a broker's own answer doesn't.
// Any other error, and none, is returned as it is.
func denied(err error, o topology.Operation, r topology.Resource, name string) error {
	if !isDenied(err) {
		return err
	}
	right := topology.Right{Resource: r, Name: name, Operation: o}
	return fmt.Errorf("not allowed: %s: %w", right.String(), err)
}

// listed returns what was wrong with a request for the offsets of topics: as a
// whole, or the first error with its topic.
func listed(topics []string, offsets kadm.ListedOffsets, err error) error {
	if err != nil {
		return denied(err, topology.OperationDescribe, topology.ResourceTopic, strings.Join(topics, ", "))
	}
	var first error
	offsets.Each(func(o kadm.ListedOffset) {
		if first == nil && o.Err != nil {
			first = fmt.Errorf("topic %s: %w", o.Topic, denied(o.Err, topology.OperationDescribe, topology.ResourceTopic, o.Topic))
		}
	})
	return first
}

// checkRights asks which operations on its topics a node is allowed, and names
// all that are missing: before it joins, and not each when it is first needed, as
// the right to write dead letters may be after weeks. Groups and transactional
// ids are judged when it joins, which is the next thing it does.
func checkRights(ctx context.Context, cl *kgo.Client, t *topology.Topology, stages []string) error {
	needed := t.TopicOperations(topology.UserNode, "", stages)
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	for i := range t.Topics {
		if name := t.Topics[i].Name; needed[name] != nil {
			rt := kmsg.NewMetadataRequestTopic()
			rt.Topic = &name
			req.Topics = append(req.Topics, rt)
		}
	}
	m, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("asking for our rights on the topics: %w", err)
	}
	missing := map[topology.Operation][]string{}
	for i := range m.Topics {
		d := &m.Topics[i]
		if d.Topic == nil {
			continue
		}
		err := kerr.ErrorForCode(d.ErrorCode)
		if err != nil && !errors.Is(err, kerr.TopicAuthorizationFailed) {
			continue // missing: the next check says so
		}
		for _, o := range needed[*d.Topic] {
			if err != nil || !hasOperation(d.AuthorizedOperations, o) {
				missing[o] = append(missing[o], *d.Topic)
			}
		}
	}
	return missingRights(missing)
}

// hasOperation reads a broker's set of bits, one for each operation's code.
func hasOperation(bits int32, o topology.Operation) bool {
	if bits == math.MinInt32 {
		return true // a broker that doesn't tell
	}
	code, err := kmsg.ParseACLOperation(string(o))
	return err == nil && bits&(1<<code) != 0
}

func missingRights(missing map[topology.Operation][]string) error {
	if len(missing) == 0 {
		return nil
	}
	var errs []error
	for _, o := range []topology.Operation{topology.OperationRead, topology.OperationWrite, topology.OperationDescribeConfigs, topology.OperationDelete} {
		names := missing[o]
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		errs = append(errs, fmt.Errorf("not allowed: %s on topic %s: %w", o, strings.Join(names, ", "), kerr.TopicAuthorizationFailed))
	}
	return errors.Join(errs...)
}
