package inventory

import (
	"fmt"

	"holdfast/topology/record"
)

// outcomesOf lists how each verb can end, in the order of Outcomes.
var outcomesOf = [...]struct {
	verb     record.Verb
	outcomes []record.Outcome
}{
	{record.VerbReserve, []record.Outcome{record.OutcomeGranted, record.OutcomePartial, record.OutcomeRefused, record.OutcomeExists, record.OutcomeStale}},
	{record.VerbConfirm, []record.Outcome{record.OutcomeDone, record.OutcomeExists, record.OutcomeNoClaim, record.OutcomeStale}},
	{record.VerbRelease, []record.Outcome{record.OutcomeDone, record.OutcomeNoClaim, record.OutcomeStale}},
	{record.VerbReduce, []record.Outcome{record.OutcomeDone, record.OutcomeNoClaim, record.OutcomeStale}},
	{record.VerbShip, []record.Outcome{record.OutcomeDone, record.OutcomePartial, record.OutcomeExists, record.OutcomeNoClaim, record.OutcomeStale}},
	{record.VerbShipUnclaimed, []record.Outcome{record.OutcomeDone}},
	{record.VerbReturn, []record.Outcome{record.OutcomeDone}},
	{record.VerbFill, []record.Outcome{record.OutcomeGranted, record.OutcomePartial}},
	{record.VerbCount, []record.Outcome{record.OutcomeDone, record.OutcomeDuplicate, record.OutcomeConflict, record.OutcomeRejected}},
	{record.VerbReceive, []record.Outcome{record.OutcomeDone, record.OutcomeDuplicate, record.OutcomeConflict, record.OutcomeRejected}},
	{record.VerbAdjust, []record.Outcome{record.OutcomeDone, record.OutcomeDuplicate, record.OutcomeConflict, record.OutcomeRejected}},
	{record.VerbDamage, []record.Outcome{record.OutcomeDone, record.OutcomeDuplicate, record.OutcomeConflict, record.OutcomeRejected}},
	{record.VerbPolicy, []record.Outcome{record.OutcomeDone, record.OutcomeDuplicate, record.OutcomeConflict}},
}

// Outcomes returns the names of what the stage counts, "verb outcome", by the
// number that it counts them under: each decision once.
func Outcomes() []string {
	var names []string
	for _, v := range outcomesOf {
		for _, o := range v.outcomes {
			names = append(names, v.verb.String()+" "+o.String())
		}
	}
	return names
}

// outcomeNumbers are the places in Outcomes, from 1, by verb and outcome.
type outcomeNumbers [record.VerbPolicy + 1][record.OutcomeStale + 1]uint8

func newOutcomeNumbers() (numbers outcomeNumbers) {
	n := uint8(0)
	for _, v := range outcomesOf {
		for _, o := range v.outcomes {
			n++
			numbers[v.verb][o] = n
		}
	}
	return numbers
}

// of returns the number to count the decision under.
func (n *outcomeNumbers) of(d *record.Decision) int {
	at := n[d.Verb][d.Outcome]
	if at == 0 {
		panic(fmt.Sprintf("BUG: %s of %s ended as %s", d.Verb, d.SKU, d.Outcome))
	}
	return int(at) - 1
}
