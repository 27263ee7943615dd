package main

import (
	"fmt"
	"strings"
	"time"
)

const secretMask = "********"

// value returns what is printed of a setting.
func (k *settingKey) value(s *Settings) any {
	v := k.field(s).Interface()
	switch v := v.(type) {
	case time.Duration:
		return formatDuration(v)
	case ByteSize:
		return v.String()
	case string:
		if k.secret && v != "" {
			return secretMask
		}
	case []string:
		if v == nil {
			return []string{}
		}
	}
	return v
}

// text writes the value as YAML, which takes JSON's strings, numbers and lists.
func (k *settingKey) text(s *Settings) string {
	switch v := k.value(s).(type) {
	case string:
		if plainYAML(v) {
			return v
		}
	case []string:
		if len(v) > 0 && plainYAMLAll(v) {
			return "[" + strings.Join(v, ", ") + "]"
		}
	}
	return string(compactJSON(k.value(s)))
}

// plainYAML tells that s means itself in YAML without quotes. Numbers and words
// such as "on" are quoted, so that they stay strings.
func plainYAML(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 && (c < '1' || c > '9') || (c < '0' || c > '9') && !strings.ContainsRune("_-./", rune(c))) {
			return false
		}
	}
	switch strings.ToLower(s) {
	case "", "true", "false", "yes", "no", "on", "off", "null", "y", "n":
		return false
	}
	return strings.Trim(s, "0123456789._-eExX") != ""
}

func plainYAMLAll(list []string) bool {
	for _, s := range list {
		if !plainYAML(s) {
			return false
		}
	}
	return true
}

// YAML writes all settings as a configuration file, each with where its value
// comes from unless that is the default. Secrets are masked.
func (s *Settings) YAML() string {
	var b strings.Builder
	var open []string
	for _, k := range settingKeys() {
		path := strings.Split(k.name, ".")
		section, name := path[:len(path)-1], path[len(path)-1]
		for i, part := range section {
			if i >= len(open) || open[i] != part {
				open = append(append([]string(nil), section[:i]...), part)
				fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), part)
			}
		}
		open = section
		line := strings.Repeat("  ", len(section)) + name + ": " + k.text(s)
		if from := s.from[k.name]; from != "" {
			line += "  # " + from
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// JSON returns all settings by their keys, secrets masked.
func (s *Settings) JSON() map[string]any {
	root := map[string]any{}
	for _, k := range settingKeys() {
		path := strings.Split(k.name, ".")
		m := root
		for _, part := range path[:len(path)-1] {
			if m[part] == nil {
				m[part] = map[string]any{}
			}
			m = m[part].(map[string]any)
		}
		m[path[len(path)-1]] = k.value(s)
	}
	return root
}

// settingsReference writes the table of all settings as Markdown. flagOf names
// the flag of a key, where it has one.
func settingsReference(flagOf map[string]string) string {
	var b strings.Builder
	b.WriteString("| setting | default | environment | flag | meaning |\n|---|---|---|---|---|\n")
	defaults := DefaultSettings()
	for _, k := range settingKeys() {
		value := ""
		if text := k.text(&defaults); text != `""` {
			value = code(text)
		}
		var envs []string
		for i := len(k.envs) - 1; i >= 0; i-- {
			envs = append(envs, code(k.envs[i]))
		}
		flag := ""
		if f := flagOf[k.name]; f != "" {
			flag = code(f)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(k.name), value, strings.Join(envs, " "), flag, k.doc)
	}
	return b.String()
}

func code(s string) string { return "`" + s + "`" }
