package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

// settingSources is where settings come from, the strongest last.
type settingSources struct {
	file    string         // YAML; "" is none
	environ []string       // NAME=value
	flags   map[string]any // by key
	flagOf  map[string]string
}

// LoadSettings reads file, environment and flags over the defaults, and
// validates. Its error names everything that is wrong at once.
//
// The file is strict: a key that doesn't exist is somebody's intent that would
// be lost. The environment isn't: Kubernetes puts HOLDFAST_SERVICE_HOST and the
// like there for a service of that name.
func LoadSettings(from settingSources) (*Settings, error) {
	s := DefaultSettings()
	s.from = map[string]string{}
	keys := settingKeys()
	var errs []error
	if from.file != "" {
		k := koanf.New(".")
		if err := k.Load(configFile(from.file), yaml.Parser()); err != nil {
			return nil, fmt.Errorf("reading the configuration %s: %w", from.file, withoutQuotes(err))
		}
		for _, name := range unknownKeys(k, keys) {
			errs = append(errs, fmt.Errorf("%s: %s isn't a setting%s", from.file, name, didYouMean(name, keys)))
		}
		errs = append(errs, s.take(k, keys, func(*settingKey) string { return from.file })...)
	}
	// Common names first: HOLDFAST_KAFKA_BROKERS means us alone, so it wins.
	for i := range 2 {
		k := koanf.New(".")
		if err := k.Load(env.Provider(".", envLayer(keys, from.environ, i)), nil); err != nil {
			return nil, fmt.Errorf("reading the environment: %w", err)
		}
		errs = append(errs, s.take(k, keys, func(key *settingKey) string { return "environment " + envName(key, i) })...)
	}
	k := koanf.New(".")
	for name, v := range from.flags {
		if i := slices.IndexFunc(keys, func(k settingKey) bool { return k.name == name }); i >= 0 && keys[i].secret {
			errs = append(errs, fmt.Errorf("%s: %s is a secret, and a command line is seen by others; give it in the environment as %s, or its file as %s_file",
				from.flagOf[name], name, keys[i].envs[0], name))
			continue
		}
		if !slices.ContainsFunc(keys, func(k settingKey) bool { return k.name == name }) {
			errs = append(errs, fmt.Errorf("%s: %s isn't a setting%s", from.flagOf[name], name, didYouMean(name, keys)))
		} else if err := k.Set(name, v); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", from.flagOf[name], err))
		}
	}
	errs = append(errs, s.take(k, keys, func(key *settingKey) string { return "flag " + from.flagOf[key.name] })...)
	if err := errors.Join(errs...); err != nil {
		return nil, err // a value that wasn't understood makes the rest hard to judge
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return &s, nil
}

// take sets what one source says.
func (s *Settings) take(k *koanf.Koanf, keys []settingKey, source func(*settingKey) string) (errs []error) {
	for i := range keys {
		key := &keys[i]
		if !k.Exists(key.name) {
			continue
		}
		v := k.Get(key.name)
		if v == nil {
			continue
		}
		if _, isText := v.(string); key.secret && !isText {
			// A number would lose its zeros, and any other value be quoted in the error.
			errs = append(errs, fmt.Errorf("%s (%s) isn't text: put it in quotes", key.name, source(key)))
			continue
		}
		if err := key.set(s, v); err != nil {
			errs = append(errs, fmt.Errorf("%s (%s) %w", key.name, source(key), err))
			continue
		}
		s.from[key.name] = source(key)
	}
	return errs
}

// envName returns the name of the layer: 0 the common one, 1 our own.
func envName(k *settingKey, layer int) string {
	if layer == 0 && len(k.envs) < 2 {
		return ""
	}
	return k.envs[len(k.envs)-2+layer]
}

func envLayer(keys []settingKey, environ []string, layer int) env.Opt {
	byName := map[string]string{}
	for i := range keys {
		if name := envName(&keys[i], layer); name != "" {
			byName[name] = keys[i].name
		}
	}
	return env.Opt{
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if value == "" {
				return "", nil // as good as not set: that is how compose files and charts leave things out
			}
			return byName[name], value
		},
	}
}

// unknownKeys returns what the file has beyond the settings.
func unknownKeys(k *koanf.Koanf, keys []settingKey) (names []string) {
	for _, name := range k.Keys() {
		known := slices.ContainsFunc(keys, func(key settingKey) bool {
			// Below a setting: it was given a section, and is told so when it is set.
			return key.name == name || strings.HasPrefix(name, key.name+".")
		})
		if !known && !emptySection(k, name, keys) {
			names = append(names, name)
		}
	}
	return names
}

// emptySection tells that name is a section with nothing in it.
func emptySection(k *koanf.Koanf, name string, keys []settingKey) bool {
	section := slices.ContainsFunc(keys, func(key settingKey) bool { return strings.HasPrefix(key.name, name+".") })
	v := k.Get(name)
	m, isMap := v.(map[string]any)
	return section && (v == nil || isMap && len(m) == 0)
}

// didYouMean names the setting that the writer may have had in mind: one of the
// same last part, or one that differs by a letter or two.
func didYouMean(name string, keys []settingKey) string {
	best, bestDistance := "", 3
	for i := range keys {
		known := keys[i].name
		d := distance(name, known)
		if lastPart(name) == lastPart(known) {
			d = min(d, 2)
		}
		if d < bestDistance {
			best, bestDistance = known, d
		}
	}
	if best == "" {
		return ""
	}
	return "; is it " + best + "?"
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// distance is how many letters have to be put in, left out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// configBytesMax is many times what all settings take with a comment each.
const configBytesMax = 1 << 20

// configFile is koanf's way to a file, which is read up to a bound.
type configFile string

// ReadBytes is part of koanf.Provider.
func (f configFile) ReadBytes() ([]byte, error) { return readBounded(string(f), configBytesMax) }

// Read is part of koanf.Provider.
func (configFile) Read() (map[string]any, error) { panic("BUG: a file is read as bytes") }

// withoutQuotes leaves out what the YAML parser quotes of the file: it may have
// been the file of a password.
func withoutQuotes(err error) error {
	parts := strings.Split(err.Error(), "`")
	if len(parts) < 3 {
		return err
	}
	return errors.New(parts[0] + "…" + parts[len(parts)-1])
}
