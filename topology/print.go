package topology

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Print writes the topology as text for people: the stages with what they read
// and write, then every topic with its settings.
func (t *Topology) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "application %s\n\nSTAGES\n", t.AppID)
	for i := range t.Stages {
		s := &t.Stages[i]
		fmt.Fprintf(&b, "\n%s (group %s)\n", s.Name, s.Group)
		printList(&b, "reads", s.Inputs)
		printList(&b, "sends to", s.Sends)
		printList(&b, "publishes", s.Publishes)
		if s.Changelog != "" {
			printList(&b, "state", []string{s.Changelog})
		} else {
			printList(&b, "state", []string{"none"})
		}
	}
	b.WriteString("\nTOPICS\n")
	width := 0
	for i := range t.Topics {
		width = max(width, len(t.Topics[i].Name))
	}
	var last *Topic
	for i := range t.Topics {
		p := &t.Topics[i]
		if last == nil || last.Role != p.Role || !maps.Equal(last.Configs, p.Configs) {
			fmt.Fprintf(&b, "\n%s: %s\n", p.Role, settings(p.Configs))
		}
		last = p
		plural := "s"
		if p.Partitions == 1 {
			plural = ""
		}
		fmt.Fprintf(&b, "  %-*s  %d partition%s, replication %d\n", width, p.Name, p.Partitions, plural, p.Replication)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printList(b *strings.Builder, what string, list []string) {
	for i, s := range list {
		if i > 0 {
			what = ""
		}
		fmt.Fprintf(b, "  %-9s  %s\n", what, s)
	}
}

func settings(configs map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(configs)) {
		parts = append(parts, k+"="+configs[k])
	}
	return strings.Join(parts, " ")
}
