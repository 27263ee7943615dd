package topology

import (
	"fmt"
	"slices"
	"strings"
)

// User is a kind of principal that works with an application's topics.
type User string

// The users, each of which should have a principal of its own.
const (
	UserNode     User = "node"     // runs stages
	UserOperator User = "operator" // creates topics, sends by hand, looks at everything
	UserAudit    User = "audit"    // looks at everything and changes nothing
	UserLoadtest User = "loadtest" // a rehearsal: sends what shops and warehouses do, and audits
	UserShop     User = "shop"     // sends a channel's orders
	UserChannel  User = "channel"  // reads what a channel is told
)

// Users lists all kinds.
func Users() []User {
	return []User{UserNode, UserOperator, UserAudit, UserLoadtest, UserShop, UserChannel}
}

// OfChannel tells whether there is one such user for each channel.
func (u User) OfChannel() bool { return u == UserShop || u == UserChannel }

// Resource is a kind of thing on a broker, in the words of its ACLs.
type Resource string

// The kinds of resources.
const (
	ResourceTopic           Resource = "TOPIC"
	ResourceGroup           Resource = "GROUP"
	ResourceTransactionalID Resource = "TRANSACTIONAL_ID"
)

// Operation is what may be done with a resource, in the words of its ACLs. Whoever
// may read, write or delete may describe too.
type Operation string

// The operations.
const (
	OperationRead            Operation = "READ"
	OperationWrite           Operation = "WRITE"
	OperationCreate          Operation = "CREATE"
	OperationDelete          Operation = "DELETE"
	OperationDescribe        Operation = "DESCRIBE"
	OperationDescribeConfigs Operation = "DESCRIBE_CONFIGS"
)

// Right is one ACL: it allows an operation on a resource, or with Prefixed on all
// whose names begin so.
type Right struct {
	Resource  Resource  `json:"resource"`
	Name      string    `json:"name"`
	Prefixed  bool      `json:"prefixed"`
	Operation Operation `json:"operation"`
	Why       string    `json:"why"`
}

// need is an operation on topics, by short names.
type need struct {
	operation Operation
	topics    []string
	why       string
}

// TopicOperations returns what a user does with each topic, by full names. The
// rights may be wider: see Rights. channel is that of a user of a channel;
// stages are those that a node runs.
func (t *Topology) TopicOperations(u User, channel string, stages []string) map[string][]Operation {
	all := map[string][]Operation{}
	for _, n := range t.needs(u, channel, stages) {
		for _, short := range n.topics {
			name := t.Name(short)
			if !slices.Contains(all[name], n.operation) {
				all[name] = append(all[name], n.operation)
			}
		}
	}
	return all
}

// needs is what a user does with topics.
func (t *Topology) needs(u User, channel string, stages []string) []need {
	all := t.topicsOf()
	inputs := t.topicsOf(RolePublicIn, RoleTable)
	switch u {
	case UserNode:
		return t.nodeNeeds(stages, all)
	case UserOperator:
		return []need{
			{OperationCreate, all, "topics apply"},
			{OperationDescribeConfigs, all, "topics plan and apply, state verify"},
			{OperationRead, all, "tail, status, explain, stock, audit"},
			{OperationWrite, append(slices.Clone(inputs), SlotTables, DeadLettersDone), "send, dlq replay and its notes; topics apply writes the slot tables"},
		}
	case UserAudit:
		return []need{{OperationRead, all, "audit, explain, stock, status, tail"}}
	case UserLoadtest:
		return []need{
			{OperationWrite, inputs, "orders, stock, tables and parcels of the rehearsal"},
			{OperationRead, all, "what came of it, and the audit"},
		}
	case UserShop:
		return []need{{OperationWrite, []string{ChannelOrders(channel)}, "sends orders"}}
	case UserChannel:
		return []need{{OperationRead, []string{ChannelStatus(channel), ChannelStock(channel)}, "what became of its orders, and what it may sell"}}
	}
	panic("BUG: no user " + string(u))
}

func (t *Topology) nodeNeeds(stages, all []string) []need {
	// Every node reads who belongs to which channel, and which slot lies where.
	read, write, changelogs := []string{SlotTables, ChannelTable}, []string{}, []string{}
	for i := range t.Stages {
		s := &t.Stages[i]
		if !slices.Contains(stages, s.Name) {
			continue
		}
		read = append(read, s.Inputs...)
		write = slices.Concat(write, s.Sends, s.Publishes)
		if s.Log != "" {
			write = append(write, s.Log) // ticks
		}
		if s.Changelog != "" {
			read, write, changelogs = append(read, s.Changelog), append(write, s.Changelog), append(changelogs, s.Changelog)
		}
	}
	return []need{
		{OperationRead, read, "inputs, and state when it is restored"},
		{OperationWrite, write, "decisions and state"},
		{OperationDescribeConfigs, all, "a node refuses topics that aren't as they must be"},
		{OperationDelete, changelogs, "a changelog is cut where it has become redundant (DeleteRecords)"},
	}
}

// Rights returns the ACLs of a user.
//
// A prefix is given where everything below it is meant. A node, which owns the
// names of the application, gets one for all that it reads or writes: its list
// stays as short as it is, and as it is when a channel is added.
//
// There is none on the cluster: brokers from 2.8 on (KIP-679) let whoever may
// write to a topic be an idempotent producer.
func (t *Topology) Rights(u User, channel string, stages []string) []Right {
	var out []Right
	for _, n := range t.needs(u, channel, stages) {
		widen := u == UserNode && (n.operation == OperationRead || n.operation == OperationWrite) && len(n.topics) > 1
		for _, c := range t.cover(n.topics, widen) {
			out = append(out, Right{Resource: ResourceTopic, Name: c.name, Prefixed: c.prefixed, Operation: n.operation, Why: n.why})
		}
	}
	group := func(operation Operation, why string, wanted func(stage string) bool) {
		for i := range t.Stages {
			if s := &t.Stages[i]; wanted(s.Name) {
				out = append(out, Right{Resource: ResourceGroup, Name: s.Group, Operation: operation, Why: why})
			}
		}
	}
	every := func(string) bool { return true }
	switch u {
	case UserNode:
		group(OperationRead, "membership, and the offsets that transactions commit", func(stage string) bool { return slices.Contains(stages, stage) })
		out = append(out, Right{ResourceTransactionalID, t.Prefix(), true, OperationWrite, "one for each worker of a stage: " + t.TransactionalID("<stage>", "<instance>", 0)})
	case UserOperator:
		group(OperationDescribe, "how far each stage has come", every)
		out = append(out, Right{ResourceTransactionalID, t.DeadLettersID(), false, OperationWrite, "dlq replay and discard"})
	case UserAudit, UserLoadtest:
		group(OperationDescribe, "how far each stage has come", every)
	case UserChannel:
		out = append(out, Right{ResourceGroup, t.Prefix() + "channel." + channel + ".", true, OperationRead, "a group of its own choice, so named"})
	}
	return out
}

// topicsOf lists short names by role, all of them where none is named.
func (t *Topology) topicsOf(roles ...Role) (shorts []string) {
	for i := range t.Topics {
		if len(roles) == 0 || slices.Contains(roles, t.Topics[i].Role) {
			shorts = append(shorts, t.Topics[i].Short)
		}
	}
	return shorts
}

type covered struct {
	name     string // full
	prefixed bool
}

// cover returns names and prefixes that together hold exactly the wanted topics,
// as few as can be at the dots; with widen, the one prefix that holds all of them.
func (t *Topology) cover(wanted []string, widen bool) []covered {
	if widen {
		return []covered{{t.Prefix(), true}}
	}
	return t.coverBelow("", wanted)
}

func (t *Topology) coverBelow(prefix string, wanted []string) (out []covered) {
	var below, heads []string
	complete := true
	for i := range t.Topics {
		short := t.Topics[i].Short
		rest, ok := strings.CutPrefix(short, prefix)
		if !ok {
			continue
		}
		if !slices.Contains(wanted, short) {
			complete = false
			continue
		}
		below = append(below, short)
		head, _, more := strings.Cut(rest, ".")
		if more {
			head += "."
		}
		if !slices.Contains(heads, head) {
			heads = append(heads, head)
		}
	}
	if complete && len(below) > 1 {
		return []covered{{t.Name(prefix), true}}
	}
	if len(below) == 1 {
		return []covered{{t.Name(below[0]), false}}
	}
	for _, head := range heads {
		if strings.HasSuffix(head, ".") {
			out = append(out, t.coverBelow(prefix+head, wanted)...)
		} else {
			out = append(out, covered{t.Name(prefix + head), false})
		}
	}
	return out
}

// Allows tells whether a list of rights allows an operation, as a broker would
// decide.
func Allows(rights []Right, r Resource, name string, o Operation) bool {
	return slices.ContainsFunc(rights, func(have Right) bool {
		if have.Resource != r || have.Name != name && !(have.Prefixed && strings.HasPrefix(name, have.Name)) {
			return false
		}
		implied := o == OperationDescribe && (have.Operation == OperationRead || have.Operation == OperationWrite || have.Operation == OperationDelete)
		return have.Operation == o || implied
	})
}

// String is how errors and people name a right.
func (r *Right) String() string {
	what := strings.ToLower(strings.ReplaceAll(string(r.Resource), "_", " "))
	if r.Prefixed {
		return fmt.Sprintf("%s on each %s that begins with %s", r.Operation, what, r.Name)
	}
	return fmt.Sprintf("%s on %s %s", r.Operation, what, r.Name)
}
