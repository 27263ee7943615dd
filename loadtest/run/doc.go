// Package run rehearses a sale against a system that is running, and says
// whether it would have held.
//
//	plan    the scenario's orders, and what must be there before them
//	send    each record at its intended time, whatever the system does   ──> channel.*.orders, feeds
//	watch   what the system says, read_committed: answers, updates       <── order.events, channel.*.stock, dlq
//	        once a second: how far each stage is behind                  <── the groups' offsets
//	fault   at its time: a signal, a pause, a program
//	drain   until nothing is left to do, or the time is up
//	judge   thresholds, audit, whatever went wrong: GO or NO-GO
//
// The loop is open. Every record has a time at which it is meant to be sent, and
// latencies count from that time: a system that makes the sender wait doesn't get
// fewer orders for it, and a sender that falls behind makes the system look slower
// than it is, never faster. How far it fell behind is part of the result.
package run
