package schema

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.json
var files embed.FS

// Names returns the schemas that there are, in order: the short names of topics,
// with channel.orders, channel.stock and channel.status for those of any channel.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("BUG: reading what is embedded: " + err.Error())
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return names
}

// JSON returns the schema of that name.
func JSON(name string) ([]byte, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("no schema %.60q; there are %s", name, strings.Join(Names(), ", "))
	}
	return files.ReadFile(name + ".json")
}

// OfTopic returns the name of the schema of a topic's records, by the topic's
// short name; ok is false for topics that aren't public JSON.
func OfTopic(short string) (name string, ok bool) {
	if rest, isChannel := strings.CutPrefix(short, "channel."); isChannel {
		if dot := strings.LastIndexByte(rest, '.'); dot >= 0 {
			short = "channel" + rest[dot:]
		}
	}
	return short, slices.Contains(Names(), short)
}
