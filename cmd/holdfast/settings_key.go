package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// settingKey is one thing that can be configured.
type settingKey struct {
	name   string   // as in the file: "kafka.sasl.username"
	envs   []string // in the environment, the one that wins last
	doc    string
	secret bool
	index  []int // of the field in Settings
}

const envPrefix = "HOLDFAST_"

// settingKeys lists all keys in the order of the struct.
func settingKeys() []settingKey {
	return appendKeys(nil, reflect.TypeFor[Settings](), "", nil)
}

func appendKeys(keys []settingKey, t reflect.Type, prefix string, index []int) []settingKey {
	for i := range t.NumField() {
		f := t.Field(i)
		name, ok := f.Tag.Lookup("key")
		if !ok {
			continue
		}
		at := append(append([]int(nil), index...), i)
		if f.Type.Kind() == reflect.Struct {
			keys = appendKeys(keys, f.Type, prefix+name+".", at)
			continue
		}
		k := settingKey{name: prefix + name, doc: f.Tag.Get("doc"), secret: f.Tag.Get("secret") != "", index: at}
		if env := f.Tag.Get("env"); env != "" {
			k.envs = append(k.envs, env)
		}
		k.envs = append(k.envs, envPrefix+strings.ToUpper(strings.ReplaceAll(k.name, ".", "_")))
		keys = append(keys, k)
	}
	return keys
}

func (k *settingKey) field(s *Settings) reflect.Value {
	return reflect.ValueOf(s).Elem().FieldByIndex(k.index)
}

// set gives the setting a value as it comes from YAML (numbers, booleans,
// lists), or as text from the environment and flags.
func (k *settingKey) set(s *Settings, v any) error {
	f := k.field(s)
	switch p := f.Addr().Interface().(type) {
	case *string:
		return setScalar(p, v, func(text string) (string, error) { return text, nil })
	case *bool:
		return setScalar(p, v, strconv.ParseBool)
	case *int:
		return setScalar(p, v, strconv.Atoi)
	case *float64:
		return setScalar(p, v, func(text string) (float64, error) { return strconv.ParseFloat(text, 64) })
	case *time.Duration:
		return setScalar(p, v, parseDuration)
	case *ByteSize:
		return setScalar(p, v, parseByteSize)
	case *[]string:
		return setList(p, v)
	default:
		panic(fmt.Sprintf("BUG: setting %s of type %s", k.name, f.Type()))
	}
}

// setScalar goes by way of text, so that the file, the environment and flags all
// have the same rules: a duration needs its unit in each of them.
func setScalar[T any](p *T, v any, parse func(string) (T, error)) error {
	var text string
	switch v := v.(type) {
	case nil:
		return nil // "key:" without a value leaves the default
	case T:
		*p = v
		return nil
	case string:
		text = strings.TrimSpace(v)
	case bool, int, int64, uint64, float64:
		text = fmt.Sprint(v)
	default:
		return fmt.Errorf("is %s, must be a single value", describe(v))
	}
	parsed, err := parse(text)
	if err != nil {
		return fmt.Errorf("%q: %w", text, plainError(err))
	}
	*p = parsed
	return nil
}

// setList takes a list, or text with commas.
func setList(p *[]string, v any) error {
	var list []string
	switch v := v.(type) {
	case nil:
		return nil
	case []string:
		list = v
	case string:
		list = strings.Split(v, ",")
	case []any:
		for _, e := range v {
			var text string
			if err := setScalar(&text, e, func(s string) (string, error) { return s, nil }); err != nil {
				return fmt.Errorf("an element %w", err)
			}
			list = append(list, text)
		}
	default:
		return fmt.Errorf("is %s, must be a list", describe(v))
	}
	*p = nil
	for _, e := range list {
		if e = strings.TrimSpace(e); e != "" {
			*p = append(*p, e)
		}
	}
	return nil
}

func describe(v any) string {
	switch v.(type) {
	case map[string]any:
		return "a section"
	case []any:
		return "a list"
	}
	return fmt.Sprintf("%v", v)
}

// plainError leaves out the name of the parser's function.
func plainError(err error) error {
	if n, ok := err.(*strconv.NumError); ok { //nolint:errorlint // strconv returns it bare, and only its outermost form says what was parsed
		return n.Err
	}
	return err
}
