// Package scenarios holds the rehearsals that come with Holdfast, to be run by
// name, and to begin one's own from; and what can be laid over any of them.
//
//	smoke       some seconds of everything
//	11.11       the night of a campaign in three minutes
//	flash-sale  one SKU, 100 units, every buyer at once
//	conflation  one SKU that changes ten thousand times a second
//	soak        forty minutes with a fault every thirty seconds
//	steady      plain orders at one rate
//	failover    a node dies under load
//
//	with/node-killed   a node dies at the peak and comes back
package scenarios

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.yaml with/*.yaml
var files embed.FS

const (
	suffix = ".yaml"
	over   = "with/"
)

// Names returns which scenarios there are.
func Names() []string { return names("") }

// Text returns the YAML of one.
func Text(name string) ([]byte, bool) { return text("", name) }

// OverNames returns what there is to be laid over one.
func OverNames() []string { return names(over) }

// OverText returns the YAML of that.
func OverText(name string) ([]byte, bool) { return text(over, name) }

func names(folder string) (names []string) {
	list, err := fs.Glob(files, folder+"*"+suffix)
	if err != nil {
		panic("BUG: pattern of the scenarios: " + err.Error())
	}
	for _, name := range list {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(name, folder), suffix))
	}
	return names
}

func text(folder, name string) ([]byte, bool) {
	if strings.Contains(name, "/") {
		return nil, false
	}
	text, err := files.ReadFile(folder + name + suffix)
	return text, err == nil
}
