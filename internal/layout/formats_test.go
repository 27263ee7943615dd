package layout

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestFormatsAreListed(t *testing.T) {
	found, err := CheckFormats(os.DirFS("../.."))
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestCheckFormatsFinds(t *testing.T) {
	const row = "| x | y | state/a.go aVersion | 2 | state/g |\n"
	for _, c := range []struct {
		table, code, golden string
		want                []string
	}{
		{row, "const aVersion = 2", "state/g/v2.hex", nil},
		{row, "const (\n\taVersion = 3\n\tother = 5\n\tname = \"v\"\n)", "state/g/v2.hex", []string{"FORMATS.md: state/a.go aVersion is version 3, and the row says 2"}},
		{"", "const dirFormat = 1", "", []string{"FORMATS.md: state/a.go dirFormat is version 1, and no row tells of it"}},
		{row, "var x int", "state/g/v2.hex", []string{"FORMATS.md: there is no state/a.go aVersion"}},
		{row, "const aVersion = 2", "state/g/v1.hex", []string{"FORMATS.md: there are no bytes of version 2 of aVersion in state/g"}},
	} {
		tree := fstest.MapFS{"FORMATS.md": {Data: []byte(c.table)}, "state/a.go": {Data: []byte("package state\n\n" + c.code + "\n")}}
		if c.golden != "" {
			tree[c.golden] = &fstest.MapFile{}
		}
		found, err := CheckFormats(tree)
		require.NoError(t, err)
		require.Equal(t, c.want, found)
	}
}
