package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// textBytesMax is many times what a scenario needs.
const textBytesMax = 64 << 10

// Span is a time like 90s or 2m30s.
type Span time.Duration

// UnmarshalYAML reads a time with its unit.
func (s *Span) UnmarshalYAML(node *yaml.Node) error {
	d, err := time.ParseDuration(node.Value)
	if node.Kind != yaml.ScalarNode || err != nil {
		// The decoder goes on behind an error of this type, and tells of all of them.
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q isn't a time with its unit, like 90s or 2m30s", node.Line, cut(node.Value))}}
	}
	*s = Span(d)
	return nil
}

// Parse reads a scenario. A change is KEY=VALUE, with a key like seed,
// thresholds.lag_max or phases.plateau.rate, where phases, spikes, faults and hot
// SKUs go by their names or by their numbers from 0.
//
// The error names everything that is wrong.
func Parse(text []byte, changes ...string) (*Scenario, error) {
	if len(text) > textBytesMax {
		return nil, fmt.Errorf("a scenario of %d bytes; %d are enough for anybody", len(text), textBytesMax)
	}
	text, err := change(text, changes)
	if err != nil {
		return nil, err
	}
	s := Defaults()
	if err := s.forget(text); err != nil {
		return nil, err
	}
	channels := s.Channels
	s.Channels = nil
	var errs []error
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var wrong *yaml.TypeError
	switch err := d.Decode(&s); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the scenario is empty")
	case errors.As(err, &wrong):
		known := true
		for _, e := range wrong.Errors {
			errs = append(errs, errors.New(plain(e)))
			known = known && strings.Contains(e, notFound)
		}
		if !known { // a value that wasn't understood makes the rest hard to judge
			return nil, errors.Join(errs...)
		}
	case err != nil:
		return nil, fmt.Errorf("reading the scenario: %w", err)
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		errs = append(errs, errors.New("behind the scenario comes another document"))
	}
	if s.Channels == nil {
		s.Channels = channels
	}
	s.Text = string(text)
	if err := errors.Join(append(errs, s.Validate())...); err != nil {
		return nil, err
	}
	if s.ScaleTo > 0 {
		s.scale(s.ScaleTo)
	}
	return &s, nil
}

const notFound = "not found in type"

var unknownKey = regexp.MustCompile(`^(line \d+): field (.*) not found in type scenario\.(\w+)$`)

// plain says in words of a scenario what the decoder says in words of Go.
func plain(e string) string {
	if m := unknownKey.FindStringSubmatch(e); m != nil {
		where := strings.ToLower(m[3])
		if where == "scenario" {
			return fmt.Sprintf("%s: a scenario has no key %s", m[1], cut(m[2]))
		}
		return fmt.Sprintf("%s: %s has no key %s", m[1], where, cut(m[2]))
	}
	return strings.NewReplacer("cannot unmarshal !!", "can't take a ", " into scenario.", " as ", " into ", " as ").Replace(e)
}

// forget takes away the defaults of weights of which the text gives any: who
// says {prepaid: 1} means no other.
func (s *Scenario) forget(text []byte) error {
	var given struct {
		Baskets  map[string]yaml.Node `yaml:"baskets"`
		Payments map[string]yaml.Node `yaml:"payments"`
	}
	var wrong *yaml.TypeError
	if err := yaml.Unmarshal(text, &given); err != nil && !errors.As(err, &wrong) {
		return fmt.Errorf("reading the scenario: %w", err)
	}
	any := func(m map[string]yaml.Node, keys ...string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { _, ok := m[k]; return ok })
	}
	if any(given.Baskets, "one", "two", "more") {
		s.Baskets = Baskets{}
	}
	if any(given.Payments, "prepaid", "cod", "unpaid") {
		s.Payments.Prepaid, s.Payments.COD, s.Payments.Unpaid = 0, 0, 0
	}
	return nil
}

// change writes the text anew with other values in it.
func change(text []byte, changes []string) ([]byte, error) {
	if len(changes) == 0 {
		return text, nil
	}
	doc, err := mapping(text)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, c := range changes {
		key, value, ok := strings.Cut(c, "=")
		var v yaml.Node
		switch {
		case !ok || key == "":
			errs = append(errs, fmt.Errorf("the change %q must be KEY=VALUE", cut(c)))
			continue
		case yaml.Unmarshal([]byte(value), &v) != nil || v.Kind != yaml.DocumentNode:
			errs = append(errs, fmt.Errorf("the change %q has no value", cut(c)))
			continue
		}
		if err := set(doc.Content[0], strings.Split(key, "."), v.Content[0]); err != nil {
			errs = append(errs, fmt.Errorf("the change %q: %w", cut(c), err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return yaml.Marshal(doc)
}

func set(at *yaml.Node, path []string, v *yaml.Node) error {
	key := path[0]
	var next **yaml.Node
	switch at.Kind {
	case yaml.MappingNode:
		if i := indexOf(at, key); i > 0 {
			next = &at.Content[i]
		}
		if next == nil {
			at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &yaml.Node{Kind: yaml.MappingNode})
			next = &at.Content[len(at.Content)-1]
		}
	case yaml.SequenceNode:
		n, err := strconv.Atoi(key)
		for i, element := range at.Content {
			if named(element, key) || err == nil && i == n {
				next = &at.Content[i]
				break
			}
		}
		if next == nil {
			return fmt.Errorf("there is none called %s", key)
		}
	default:
		return fmt.Errorf("%s is below a value", key)
	}
	if len(path) == 1 {
		*next = v
		return nil
	}
	return set(*next, path[1:], v)
}

// named tells whether an element of a list goes by that name.
func named(element *yaml.Node, name string) bool {
	for i := 0; element.Kind == yaml.MappingNode && i+1 < len(element.Content); i += 2 {
		if k := element.Content[i].Value; (k == "name" || k == "sku") && element.Content[i+1].Value == name {
			return true
		}
	}
	return false
}

// cut shortens what somebody else wrote, for a message.
func cut(s string) string {
	if len(s) <= 60 {
		return s
	}
	return strings.ToValidUTF8(s[:60], "") + "…"
}
