package layout

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// CheckImports holds every Go file of a module against the table and returns
// what departs from it, one line each, in the order of the files. Files behind
// build tags are read too. The error is one of reading or parsing a file.
func CheckImports(module string, tree fs.FS, folders map[string]Folder) ([]string, error) {
	var found []string
	unnamed := map[string]bool{}
	err := eachFile(tree, func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		folder := path.Dir(name)
		rules, ok := folders[folder]
		if !ok {
			if !unnamed[folder] {
				found = append(found, folder+": the table of folders doesn't name it; give it its place in internal/layout/rules.go")
			}
			unnamed[folder] = true
			return nil
		}
		lines, err := checkFile(module, tree, name, rules)
		found = append(found, lines...)
		return err
	})
	return found, err
}

func checkFile(module string, tree fs.FS, name string, rules Folder) ([]string, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	isTest := strings.HasSuffix(name, "_test.go")
	var found []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		at := positions.Position(spec.Pos())
		if ours, ok := strings.CutPrefix(imported, module+"/"); ok && !rules.allows(ours, path.Dir(name), isTest) {
			found = append(found, fmt.Sprintf("%s: %s must not import %s", at, path.Dir(name), ours))
		}
		if why, ok := whyImpure(imported); ok && rules.Pure && !isTest {
			found = append(found, fmt.Sprintf("%s: a pure folder imports %s; %s", at, imported, why))
		}
	}
	if rules.Pure && !isTest {
		ast.Inspect(file, func(n ast.Node) bool {
			if started, ok := n.(*ast.GoStmt); ok {
				found = append(found, fmt.Sprintf("%s: a pure folder starts a goroutine", positions.Position(started.Pos())))
			}
			return true
		})
	}
	return found, nil
}

// allows tells whether a file of this folder may import ours; the external
// test package of a folder imports the folder itself.
func (f Folder) allows(ours, folder string, isTest bool) bool {
	return f.All || slices.Contains(f.Imports, ours) ||
		isTest && (ours == folder || slices.Contains(f.TestImports, ours))
}

func whyImpure(imported string) (why string, ok bool) {
	for banned, why := range impure() {
		if imported == banned || strings.HasPrefix(imported, banned+"/") {
			return why, true
		}
	}
	return "", false
}

// eachFile calls fn for every file that belongs to the repository: not for
// what Git, a build or the test broker left beside them.
func eachFile(tree fs.FS, fn func(name string) error) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", ".kafka", "bin"}, name):
			return fs.SkipDir
		case !entry.Type().IsRegular(), name == ".git": // a file in a second work tree
			return nil
		}
		return fn(name)
	})
}
