package main

import "strconv"

// countOf returns "1 record", "2 records".
func countOf(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
