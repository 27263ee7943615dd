package audit

import (
	"cmp"
	"slices"
	"strings"
)

// Rule names what a violation breaks.
type Rule string

// The rules that are judged.
const (
	RuleOversold             Rule = "oversold"
	RuleNegativeOnHand       Rule = "negative_on_hand"
	RuleNotConserved         Rule = "not_conserved"
	RuleLeaked               Rule = "leaked"
	RuleReleasedTwice        Rule = "released_twice"
	RuleDecidedTwice         Rule = "decided_twice"
	RuleOrderWithoutStory    Rule = "order_without_story"
	RuleSeqGap               Rule = "seq_gap"
	RuleLinesDontAddUp       Rule = "lines_dont_add_up"
	RuleExpiredEarly         Rule = "expired_early"
	RuleExpiredLate          Rule = "expired_late"
	RulePaidInTimeButExpired Rule = "paid_in_time_but_expired"
	RuleVersionNotGrowing    Rule = "version_not_growing"
	RuleChannelNotConverged  Rule = "channel_not_converged"
	RuleInputLost            Rule = "input_lost"
)

// Rules lists all rules.
var Rules = [...]Rule{
	RuleOversold, RuleNegativeOnHand, RuleNotConserved, RuleLeaked, RuleReleasedTwice, RuleDecidedTwice, RuleOrderWithoutStory, RuleSeqGap,
	RuleLinesDontAddUp, RuleExpiredEarly, RuleExpiredLate, RulePaidInTimeButExpired, RuleVersionNotGrowing, RuleChannelNotConverged, RuleInputLost,
}

// Violation is one break of a rule.
type Violation struct {
	Rule    Rule     `json:"rule"`
	Key     string   `json:"key"` // order key, SKU@warehouse, shop and SKU, or record
	Detail  string   `json:"detail"`
	Offsets []string `json:"offsets"` // topic/partition@offset of the records that show it
}

// sortedMax bounds what is kept for sorting: judging walks maps, and the list
// shouldn't come out in another order each time.
const sortedMax = 10_000

// findings collects violations: all are counted, some are listed.
type findings struct {
	perRuleMax int
	count      map[Rule]int
	list       []Violation
}

func (f *findings) add(rule Rule, key, detail string, at ...place) {
	if f.count == nil {
		f.count = map[Rule]int{}
	}
	f.count[rule]++
	if f.count[rule] > sortedMax {
		return
	}
	v := Violation{Rule: rule, Key: strings.Clone(key), // which may be a view of a record
		Detail: detail, Offsets: []string{}}
	for _, p := range at {
		if p.p != nil {
			v.Offsets = append(v.Offsets, p.String())
		}
	}
	f.list = append(f.list, v)
}

// listed returns up to perRuleMax violations of each rule, sorted.
func (f *findings) listed() []Violation {
	slices.SortStableFunc(f.list, func(x, y Violation) int {
		return cmp.Or(cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Key, y.Key), cmp.Compare(x.Detail, y.Detail))
	})
	out := []Violation{}
	n := 0
	for i, v := range f.list {
		if i > 0 && f.list[i-1].Rule != v.Rule {
			n = 0
		}
		if n++; n <= f.perRuleMax {
			out = append(out, v)
		}
	}
	return out
}
