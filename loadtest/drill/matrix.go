package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Row is one fault that must be survived, and what shows that it is.
type Row struct {
	Fault    string
	Expected string
	Tests    []Test
	Drills   []string // names of drills
}

// Test is a named test of the repository: a folder of it, and the function.
type Test struct{ Folder, Name string }

// matrix lists every fault that must be survived. A test of this package looks
// whether all that it names is there, and whether every drill has a row.
func matrix() []Row {
	kafka := func(names ...string) []Test { return in("processor/kafka", names) }
	sim := func(names ...string) []Test { return in("processor/simulation", names) }
	store := func(names ...string) []Test { return in("state", names) }
	command := func(names ...string) []Test { return in("cmd/holdfast", names) }
	return []Row{
		{"a node is gone for good (kill -9)", "the others decide for its partitions; nothing is lost, nothing is promised twice",
			join(kafka("TestAMemberIsGoneWithATransactionOpen"), command("TestKillAtRandom")), []string{"kill-node", "takeover-standby"}},
		{"a process crashes and is started again at once", "it keeps its partitions, ends its own transaction, and goes on where it was",
			join(kafka("TestACrashWithATransactionOpen"), store("TestHistories")), []string{"takeover-restart"}},
		{"nodes are restarted one after the other (a new version)", "each partition stands still while its node is away, and no longer",
			kafka("TestMembersComeAndGo"), []string{"takeover-rolling"}},
		{"nodes of an older build are replaced one at a time (rolling upgrade)", "each reads what the other wrote; a newer format is refused before anything is written",
			join(in("topology/record", []string{"TestGolden"}), store("TestDeltaBytesAreGolden", "TestNewerDeltaIsRefused", "TestAnotherFormatIsRefused")), []string{"rolling-upgrade"}},
		{"kill -9 at each step of a commit", "no double sale, no lost sale; the state is the fold of the committed input",
			join(sim("TestCommit", "TestSimulation", "TestT22_crash_in_the_middle_of_an_order_of_several_SKUs"), kafka("TestACrashWithATransactionOpen")), []string{"crash-before-commit", "crash-after-commit", "crash-settle"}},
		{"the answer to a commit is lost (unknown outcome)", "nothing is assumed: settled, then compared with the committed offset",
			join(kafka("TestTheAnswerToAnEndIsLost", "TestTheAnswerToAnEndIsAnUnknownError", "TestAnEndIsRefused"), sim("TestCommit")), []string{"end-lost", "crash-settle"}},
		{"a zombie: a node stands still beyond its session timeout and goes on", "none of its writes lands",
			kafka("TestAStoppedProcessGoesOnWhenItIsReplaced", "TestAMemberHangs", "TestTheSameInstanceRunsTwice"), []string{"zombie"}},
		{"two owners of one data directory", "the second is refused, with a clear message",
			join(store("TestSecondOpenerFails"), command("TestDataDirIsPrivate")), []string{"two-owners"}},
		{"a foreign transaction is open on a changelog during a restore", "the restore waits, and doesn't read too little",
			kafka("TestAForeignTransactionOnTheChangelog"), []string{"changelog-open"}},
		{"a changelog is cut during a restore, or below what a store needs", "loud, with its cause; what the sweep has repeated restores the whole state all the same",
			join(kafka("TestRestoreFromATrimmedChangelog"), store("TestRestoreFallsBelowTheLogStart", "TestRestoreFromAnyLogStart")), []string{"changelog-cut"}},
		{"brokers restart, leaders and coordinators move", "decisions go on within a bound; audit passes",
			join(kafka("TestBrokersAreGoneForAWhile", "TestBrokersMove", "TestLookUntilTheCoordinatorsAnswer"), command("TestBrokerRestart"), in("loadtest/drill", []string{"TestThreeBrokers"})), []string{"three-brokers"}},
		{"brokers are slow, silent, or refuse what is written", "nodes wait, say so, and hold no more in memory; nothing is lost",
			kafka("TestMemoryIsBoundedWhileBrokersRefuse", "TestMemoryIsBoundedWhileBrokersAreSilent", "TestUsualRecordsAreRefusedForAWhile"), []string{"broker-stall"}},
		{"the network is lost both ways, or slow", "decisions go on when it is back; audit passes",
			kafka("TestBrokersAreGoneForAWhile", "TestRestoresLoseTheirConnections"), []string{"network-slow", "network-lost", "network-blinks"}},
		{"the disk fails or is full", "it is told; partitions wait for room, and go on when there is some; no store goes on that couldn't be written",
			join(store("TestFailingDiskIsTold", "TestFullDisk"), kafka("TestPartitionsWaitForRoom")), []string{"disk-full"}},
		{"power cut: what wasn't synced is lost", "what is left is a prefix, and its offset is that prefix's",
			join(store("TestHistories", "TestCrashWhileGathering", "TestCrashWhileADirectoryIsMade"), sim("TestSimulation")), nil},
		{"a store is corrupt, missing, or of another cluster or topic", "it is put aside and made anew; the other partitions go on",
			join(store("TestCorruptStoreIsQuarantined", "TestStoreWithoutPositionIsCorrupt", "TestAnotherIdentityIsRefused", "TestForeignDirectoryIsRefused"),
				kafka("TestDamagedStoreIsRebuiltAlone", "TestMissingStoreIsRebuiltAlone", "TestCorruptionAtRunTimeIsMended", "TestCorruptionAgainAndAgainHalts"), command("TestDataDirBelongsToACluster", "TestForeignState")), nil},
		{"poison records", "each is a dead letter, in the same transaction, with reason and place",
			join(in("processor/intake", []string{"TestIntake"}), command("TestDeadLettersOfANode"), kafka("TestOnePartitionHalts")), []string{"poison"}},
		{"an event comes twice", "the second changes nothing",
			join(in("processor/order", []string{"TestT10_EveryEventDoubledLeavesTheSameState"}), in("processor/inventory", []string{"TestT10_EverythingDoubled"})), nil},
		{"the same id with other content", "it is refused and counted",
			in("processor/order", []string{"TestScripts", "TestScriptsShowEveryWord"}), nil},
		{"events out of order", "each order of them has a defined outcome",
			in("processor/order", []string{"TestT16_AllPermutationsOfAnOrdersEvents", "TestT16_RandomLives", "TestT12_CreateThatMeetsItsCancel", "TestShipmentAfterCancelIsAFact"}), nil},
		{"clocks of brokers and producers differ and jump", "only the log's time counts; a jump ahead stops the partition",
			sim("TestSimulation", "TestStart"), nil},
		{"the log starts behind the committed offset", "that partition stops, loudly; the others go on",
			kafka("TestInputIsDeletedBeforeItIsDecided"), []string{"log-cut"}},
		{"members come and go while stores are restored", "a restore goes on where it was",
			join(kafka("TestMembersComeAndGo"), store("TestRestoreResumesAndRepeats"), sim("TestRestoreUnderWayIsDoneAgain")), nil},
		{"a topic is deleted and made anew", "it is noticed by its id",
			join(kafka("TestTheInputIsMadeAnew"), store("TestRestoreRefusesAnotherHistory")), []string{"topic-anew", "topic-anew-down"}},
	}
}

func in(folder string, names []string) (tests []Test) {
	for _, n := range names {
		tests = append(tests, Test{folder, n})
	}
	return tests
}

func join(lists ...[]Test) (all []Test) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// writeMatrix prints it, with the bounds of the drills.
func writeMatrix(w io.Writer, rows []Row, all []Drill) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "| fault\t| expected\t| how\t|")
	fmt.Fprintln(t, "|---\t|---\t|---\t|")
	for _, r := range rows {
		var how []string
		for _, name := range r.Drills {
			how = append(how, "drill "+describeBound(find(all, name)))
		}
		folder := ""
		for _, test := range r.Tests {
			if test.Folder == folder {
				how[len(how)-1] += ", " + test.Name
				continue
			}
			folder = test.Folder
			how = append(how, test.Folder+": "+test.Name)
		}
		fmt.Fprintf(t, "| %s\t| %s\t| %s\t|\n", r.Fault, r.Expected, strings.Join(how, "; "))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing the matrix: %w", err)
	}
	return nil
}

func find(all []Drill, name string) Drill {
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	return Drill{Name: name}
}

func describeBound(d Drill) string {
	if d.Bound > 0 {
		return fmt.Sprintf("%s (within %v)", d.Name, d.Bound)
	}
	return d.Name
}
