// Package scenarios holds the rehearsals that come with Holdfast, to be run by
// name, and to begin one's own from.
//
//	smoke       some seconds of everything
//	11.11       the night of a campaign in three minutes
//	flash-sale  one SKU, 100 units, every buyer at once
//	conflation  one SKU that changes ten thousand times a second
//	soak        two hours of an ordinary day
//	failover    a node dies under load
package scenarios

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.yaml
var files embed.FS

const suffix = ".yaml"

// Names returns what there is.
func Names() (names []string) {
	list, err := fs.Glob(files, "*"+suffix)
	if err != nil {
		panic("BUG: pattern of the scenarios: " + err.Error())
	}
	for _, name := range list {
		names = append(names, strings.TrimSuffix(name, suffix))
	}
	return names
}

// Text returns the YAML of one.
func Text(name string) ([]byte, bool) {
	text, err := files.ReadFile(name + suffix)
	return text, err == nil
}
