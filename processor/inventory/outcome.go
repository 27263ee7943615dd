package inventory

import (
	"fmt"

	"holdfast/processor/stage"
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

// ended counts the decisions of the open transaction. They are told at its end:
// one call after the other costs less than one beside each decision.
type ended [record.VerbPolicy + 1][record.OutcomeStale + 1]int

func (e *ended) count(tx stage.Tx) {
	n := 0
	for _, v := range outcomesOf {
		for _, o := range v.outcomes {
			for ; e[v.verb][o] > 0; e[v.verb][o]-- {
				tx.Count(n)
			}
			n++
		}
	}
	if *e != (ended{}) {
		panic(fmt.Sprintf("BUG: decisions ended as none can: %v", *e))
	}
}
