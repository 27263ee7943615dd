package simulation

import (
	"fmt"
	"regexp"
)

// Rule names what must hold in every run, whatever goes wrong. What the auditor
// finds has the name of the auditor's rule.
type Rule string

const (
	// RuleConsumed: transactions consume a partition without gaps and overlaps.
	RuleConsumed Rule = "consumed_once"
	// RuleFenced: a transaction is ended by others only if it is the one that they
	// have seen a gone member leave open.
	RuleFenced Rule = "fences_the_gone"
	// RuleDecided: a committed transaction is what the stages make of the records
	// that it consumed, no more and no less.
	RuleDecided Rule = "decided_as_logged"
	// RuleStore: every store, on whatever disk, and one restored from nothing
	// hold what the committed transactions led to.
	RuleStore Rule = "store_as_decided"
	// RuleLength: at rest changelogs are swept and trimmed.
	RuleLength Rule = "changelog_trimmed"
	// RuleHalted: no fault halts a partition.
	RuleHalted Rule = "nothing_halts"
	// RuleEnded: no worker ends by itself, unless another process runs as the
	// same instance.
	RuleEnded Rule = "nothing_ends"
	// RuleRest: without faults everything is consumed, and stops when asked to.
	RuleRest Rule = "comes_to_rest"
	// RuleBug: nothing panics.
	RuleBug Rule = "no_panic"
	// RuleAudit: the logs can be audited.
	RuleAudit Rule = "audit"
)

// Failure is a rule that a run broke.
type Failure struct {
	Rule   Rule   `json:"rule"`
	Detail string `json:"detail"`
}

func (f Failure) String() string { return fmt.Sprintf("%s: %s", f.Rule, f.Detail) }

func (s *Simulation) fail(rule Rule, format string, args ...any) {
	f := Failure{Rule: rule, Detail: withoutAddresses(fmt.Sprintf(format, args...))}
	s.tracef("FAILURE: %s", f)
	s.failures = append(s.failures, f)
}

// Failures returns what went wrong, in the order in which it was found.
func (s *Simulation) Failures() []Failure {
	return append(append([]Failure(nil), s.failures...), s.Broker.violations...)
}

func (s *Simulation) failed() bool { return len(s.failures)+len(s.Broker.violations) > 0 }

// What differs between two runs of the same seed: a stack's addresses.
var addresses = regexp.MustCompile(`\b(goroutine )\d+|\b(0x)[0-9a-f]+\??`)

func withoutAddresses(text string) string { return addresses.ReplaceAllString(text, "$1$2…") }
