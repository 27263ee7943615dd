package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// countOf returns "1 record", "2 records".
func countOf(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// plainText returns a text from outside as a terminal may show it: what doesn't
// print (and could move the cursor) is escaped.
func plainText(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return s
	}
	quoted := strconv.QuoteToGraphic(s)
	return quoted[1 : len(quoted)-1]
}

// cutText returns at most so many characters, with a mark where some are missing.
func cutText(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
