package main

// drills are all there are. Each has a file of its name; another one is a line
// here, and a row of the matrix that names it.
func drills() []Drill {
	return []Drill{
		killNode(),
		rollingUpgrade(),
		takeoverStandby(),
		takeoverRestart(),
		takeoverRolling(),
		crashBefore(),
		crashAfter(),
		crashSettle(),
		endLost(),
		zombie(),
		twoOwners(),
		networkSlow(),
		networkLost(),
		networkBlinks(),
		changelogOpen(),
		changelogCut(),
		logCut(),
		topicAnew(),
		poison(),
		threeBrokers(),
		topicAnewDown(),
		brokerStall(),
		diskFull(),
	}
}
