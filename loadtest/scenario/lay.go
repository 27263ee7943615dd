package scenario

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Lay returns the scenario's text with the keys of another text laid over it:
// below a key that both have mappings are laid over each other too, and anything
// else is replaced, a list as a whole. A key without a value is taken away.
//
// What is laid over needn't be a scenario: faults alone, with the thresholds that
// go with them, can be laid over any. Whether the outcome is one, Parse says.
func Lay(text, over []byte) ([]byte, error) {
	base, err := mapping(text)
	if err != nil {
		return nil, err
	}
	top, err := mapping(over)
	if err != nil {
		return nil, fmt.Errorf("what is laid over it: %w", err)
	}
	lay(base.Content[0], top.Content[0])
	return yaml.Marshal(base)
}

// mapping reads a text that holds keys and values.
func mapping(text []byte) (*yaml.Node, error) {
	if len(text) > textBytesMax {
		return nil, fmt.Errorf("a scenario of %d bytes; %d are enough for anybody", len(text), textBytesMax)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("reading the scenario: %w", err)
	}
	if doc.Kind != yaml.DocumentNode || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("it isn't a list of keys and values")
	}
	return &doc, nil
}

func lay(base, over *yaml.Node) {
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		at := indexOf(base, key.Value)
		switch {
		case value.Tag == "!!null" && at < 0:
		case value.Tag == "!!null":
			base.Content = append(base.Content[:at-1], base.Content[at+1:]...)
		case at < 0:
			base.Content = append(base.Content, key, value)
		case base.Content[at].Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			lay(base.Content[at], value)
		default:
			base.Content[at] = value
		}
	}
}

// indexOf returns where a mapping has the value of a key, or -1.
func indexOf(m *yaml.Node, key string) int {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return i + 1
		}
	}
	return -1
}
