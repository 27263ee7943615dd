// Command peers runs `holdfast bench inventory` and other stream processors at
// the same work on one broker, in turn, and prints them side by side.
//
//	loadtest/peers/<name>/run.sh     a peer: the same flags, the same JSON line
//
//	main.go        flags, and the way from them to the table
//	broker.go      the broker that they share
//	contender.go   who takes part, and one run of one of them
//	rounds.go      every contender once, again and again, of every case
//	answer.go      the JSON line, read strictly
//	table.go       medians and ratios, as text and as JSON
//
// In turn, as a machine's speed changes while it works: what disturbs one round
// disturbs all contenders of it, and medians of some rounds leave it out.
package main
