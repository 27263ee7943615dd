package layout

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// formatsFile lists what is stored or sent, with its version.
const formatsFile = "FORMATS.md"

// formatRow is a row of its first table.
var formatRow = regexp.MustCompile(`(?m)^\| [^|]+ \| [^|]+ \| (\S+\.go) (\w+) \| (\d+) \| (\S+) \|$`)

// versionName is what the constant of a format's version is called.
var versionName = regexp.MustCompile(`(?i)(version|format)$`)

// formatFolders are where formats are defined.
func formatFolders() []string {
	return []string{"topology", "state", "processor", "channel", "loadtest/audit", "loadtest/report", "cmd"}
}

// notOurs are numbers of other people's protocols, which happen to be called so.
func notOurs() map[string]string {
	return map[string]string{
		"processor/kafka/balancer.go metadataVersion": "Kafka's, of a consumer's subscription",
	}
}

// CheckFormats holds the table of formats against the constants in the code, and
// requires golden bytes of each one's version. It returns what differs.
func CheckFormats(tree fs.FS) (found []string, err error) {
	text, err := fs.ReadFile(tree, formatsFile)
	if err != nil {
		return nil, err
	}
	listed := map[string]string{}
	for _, row := range formatRow.FindAllStringSubmatch(string(text), -1) {
		file, name, version, golden := row[1], row[2], row[3], row[4]
		listed[file+" "+name] = version
		if _, err := fs.Stat(tree, path.Join(golden, "v"+version+".hex")); err != nil {
			found = append(found, fmt.Sprintf("%s: there are no bytes of version %s of %s in %s", formatsFile, version, name, golden))
		}
	}
	for _, folder := range formatFolders() {
		if _, err := fs.Stat(tree, folder); err != nil {
			continue
		}
		err := fs.WalkDir(tree, folder, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			versions, err := versionsIn(tree, file)
			for name, version := range versions {
				key := file + " " + name
				switch is, ok := listed[key]; {
				case notOurs()[key] != "":
				case !ok:
					found = append(found, fmt.Sprintf("%s: %s is version %s, and no row tells of it", formatsFile, key, version))
				case is != version:
					found = append(found, fmt.Sprintf("%s: %s is version %s, and the row says %s", formatsFile, key, version, is))
				}
				delete(listed, key)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for key := range listed {
		found = append(found, fmt.Sprintf("%s: there is no %s", formatsFile, key))
	}
	return found, nil
}

// versionsIn are the constants of a file that are called so and are a number.
func versionsIn(tree fs.FS, file string) (map[string]string, error) {
	source, err := fs.ReadFile(tree, file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for _, decl := range parsed.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			constant, ok := spec.(*ast.ValueSpec)
			if !ok || len(constant.Names) != 1 || len(constant.Values) != 1 || !versionName.MatchString(constant.Names[0].Name) {
				continue
			}
			if number, ok := constant.Values[0].(*ast.BasicLit); ok && number.Kind == token.INT {
				versions[constant.Names[0].Name] = number.Value
			}
		}
	}
	return versions, nil
}
