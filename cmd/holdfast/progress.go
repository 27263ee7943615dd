package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// progress returns a function that shows how far something is, on one line of
// the terminal, some times a second; on anything but a terminal it shows nothing.
func (a *app) progress(what string) func(done, total int64) {
	if !a.onTerminal() {
		return nil
	}
	line := a.statusLine()
	return func(done, total int64) {
		if done >= total {
			line("")
			return
		}
		line(fmt.Sprintf("%s: %d of %d (%d %%)", what, done, total, done*100/max(total, 1)))
	}
}

// statusLine returns a function that replaces the terminal's last line; "" takes
// it away.
func (a *app) statusLine() func(text string) {
	if !a.onTerminal() {
		return func(string) {}
	}
	const every = 100 * time.Millisecond
	var mu sync.Mutex
	var shown time.Time
	width := 0
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		if text != "" && time.Since(shown) < every {
			return
		}
		shown = time.Now()
		fmt.Fprintf(a.Stderr, "\r%s%s\r%s", text, strings.Repeat(" ", max(0, width-len(text))), text)
		width = len(text)
	}
}
