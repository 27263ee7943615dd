package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Save writes BASE.json and what Draw writes. It returns the files' paths, also
// those that were written before an error.
func (r *Result) Save(dir, base string) (files []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the report's directory: %w", err)
	}
	path := filepath.Join(dir, base+".json")
	if err := WriteFile(path, r.Write); err != nil {
		return nil, err
	}
	files, err = r.Draw(dir, base)
	return append([]string{path}, files...), err
}

// Draw writes BASE.html, and BASE.LATENCY.hgrm for each latency with a histogram,
// into the directory, which is made when it isn't there.
func (r *Result) Draw(dir, base string) (files []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the report's directory: %w", err)
	}
	path := filepath.Join(dir, base+".html")
	if err := WriteFile(path, func(w io.Writer) error { return WriteHTML(w, r) }); err != nil {
		return files, err
	}
	files = append(files, path)
	taken := map[string]bool{}
	for i := range r.Latencies {
		l := &r.Latencies[i]
		if l.Histogram == "" {
			continue
		}
		name := FileName(l.Name)
		for n := 2; taken[name]; n++ { // names that differ in what a file's can't have
			name = fmt.Sprintf("%s-%d", FileName(l.Name), n)
		}
		taken[name] = true
		path := filepath.Join(dir, base+"."+name+".hgrm")
		if err := WriteFile(path, l.WriteHGRM); err != nil {
			return files, err
		}
		files = append(files, path)
	}
	return files, nil
}

// FileName turns a name into one that every file system takes: letters, digits,
// - and _.
func FileName(name string) string {
	s := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			return c
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		}
		return '-'
	}, name)
	if s = strings.Trim(s, "-"); s == "" {
		return "unnamed"
	}
	return s[:min(len(s), 80)]
}

// WriteFile writes a file that is there as a whole or not at all.
func WriteFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // after the rename there is none
	err = write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
