package topology

import (
	"fmt"
	"io"
	"strings"
)

// Draw writes the topology as a picture in Mermaid's language, which GitHub and
// many editors show: who writes which topic and who reads it. The channels'
// topics are drawn once, for all channels; dead letters are left out, as every
// stage writes them.
func (t *Topology) Draw(w io.Writer) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	drawn := map[string]bool{}
	topic := func(short string) string {
		name := drawnName(short)
		id := strings.NewReplacer(".*.", "_", ".", "_").Replace(name)
		if !drawn[id] {
			drawn[id] = true
			shape := "%s([%q])"
			if strings.HasPrefix(short, "log.") {
				shape = "%s[[%q]]"
			}
			fmt.Fprintf(&b, "  "+shape+"\n", id, name)
		}
		return id
	}
	arrow := func(from, to string) {
		line := fmt.Sprintf("  %s --> %s\n", from, to)
		if !drawn[line] {
			drawn[line] = true
			b.WriteString(line)
		}
	}
	for i := range t.Stages {
		s := &t.Stages[i]
		stage := "stage_" + s.Name // a table is called as a stage is
		fmt.Fprintf(&b, "  %s{{%q}}\n", stage, s.Name)
		for _, short := range s.Inputs {
			arrow(topic(short), stage)
		}
		for _, short := range append(append([]string{}, s.Sends...), s.Publishes...) {
			if short != DeadLetters {
				arrow(stage, topic(short))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// drawnName is what a topic is called in the picture.
func drawnName(short string) string {
	if _, rest, ok := strings.Cut(short, "channel."); ok {
		return "channel.*" + rest[strings.LastIndexByte(rest, '.'):]
	}
	return short
}
