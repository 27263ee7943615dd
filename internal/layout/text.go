package layout

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// phrase is something that no file may say, with what to do instead.
type phrase struct {
	pattern *regexp.Regexp
	only    []string // file name extensions it applies to; nil means all files
	instead string
}

// phrases are what makes sense only on the machine or in the head of whoever
// wrote it. The patterns are put together from pieces where they would
// otherwise find themselves.
func phrases() []phrase {
	code := []string{".go", ".sh", ".yml", ".yaml", ".mod", ""}
	return []phrase{
		{regexp.MustCompile(`(?:^|[^\w.$}])/(?:` + `work|root|home|Users)/`), nil,
			"a path of somebody's machine: name it from the root of the repository"},
		{regexp.MustCompile(`"/` + `tmp/`), []string{".go"},
			"a fixed place that two runs would share: use t.TempDir or os.MkdirTemp"},
		{regexp.MustCompile(`(?i)\bissues?\s+#?\d+\b`), nil,
			"a number in a tracker: say what the reader needs to know"},
		{regexp.MustCompile(`\b(?:TO` + `DO|FIX` + `ME)\b`), code,
			"a note to oneself: do it, or describe the limit as it is"},
	}
}

// document finds the names of documents, together with what stands before them
// without a space, so that an address can be told from a file.
var document = regexp.MustCompile(`[\w./:@-]*\w\.md\b`)

// CheckText returns the lines of the repository that say what no reader of it
// can follow: a forbidden phrase, or the name of a document that isn't in it.
func CheckText(tree fs.FS) ([]string, error) {
	documents := map[string]bool{}
	err := eachFile(tree, func(name string) error {
		documents[path.Base(name)] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found []string
	all := phrases()
	err = eachFile(tree, func(name string) error {
		text, err := fs.ReadFile(tree, name)
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			return err // bytes that are no text say nothing
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			for _, what := range lineFaults(name, line, all, documents) {
				found = append(found, fmt.Sprintf("%s:%d: %s", name, number, what))
			}
		}
		return nil
	})
	return found, err
}

func lineFaults(name, line string, all []phrase, documents map[string]bool) []string {
	var faults []string
	for _, p := range all {
		if p.appliesTo(name) && p.pattern.MatchString(line) {
			faults = append(faults, p.instead)
		}
	}
	for _, mentioned := range document.FindAllString(line, -1) {
		if !strings.Contains(mentioned, "://") && !documents[path.Base(mentioned)] {
			faults = append(faults, mentioned+" isn't in the repository: say it here, or write it")
		}
	}
	return faults
}

func (p phrase) appliesTo(name string) bool {
	if p.only == nil {
		return true
	}
	for _, extension := range p.only {
		if path.Ext(name) == extension {
			return true
		}
	}
	return false
}
