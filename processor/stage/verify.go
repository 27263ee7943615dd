package stage

import "fmt"

// View is a task's state as it is between two transactions. What Get hands out is
// good until Verify returns, what Scan does until fn returns.
type View interface {
	Get(key []byte) (value []byte, ok bool)
	Scan(from, to []byte, fn func(key, value []byte) bool)
}

// Finding is something in a task's state that can't be.
type Finding struct {
	Rule     string // a word: undecodable, counters, …
	Key      []byte // good until report returns
	Expected string
	Found    string
}

func (f *Finding) String() string {
	return fmt.Sprintf("%s at key %q: expected %s, found %s", f.Rule, f.Key, f.Expected, f.Found)
}

// Rules that every stage has. Each stage adds its own.
const (
	RuleUnknownKey  = "unknown_key" // no stage writes such a key
	RuleUndecodable = "undecodable"
	RuleIndex       = "index" // an index or a count beside the rows says other than they
)

// Verifier tells what in a stage's state can't be. It looks with the stage's own
// codecs, and works sums out anew, from rows that the stage itself never adds up.
//
// One is made for each walk and used by one goroutine. It keeps nothing of a view
// from one call to the next but what is the same in all of the state's keys.
type Verifier interface {
	// Verify looks at one row, and at all in v that must agree with it. Called
	// for every row, it finds whatever there is to find. It must not change key
	// and value, nor keep them.
	Verify(v View, key, value []byte, report func(Finding))
}
