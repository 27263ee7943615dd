package layout

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const module = "holdfast"

func TestImportsGoOneWay(t *testing.T) {
	found, err := CheckImports(module, os.DirFS("../.."), Folders())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestTextStandsOnItsOwn(t *testing.T) {
	found, err := CheckText(os.DirFS("../.."))
	require.NoError(t, err)
	require.Empty(t, found)
}

// The table must name only what it could allow: an import of a folder that it
// doesn't know is a slip of the pen that would allow nothing.
func TestTableNamesItsOwnFolders(t *testing.T) {
	folders := Folders()
	for name, folder := range folders {
		for _, imported := range append(folder.Imports, folder.TestImports...) {
			require.Contains(t, folders, imported, "imported by %s", name)
		}
	}
}

// Pure folders import none but pure ones and the records: purity by way of a
// neighbour would be none.
func TestPureFoldersStayAmongThemselves(t *testing.T) {
	folders := Folders()
	for name, folder := range folders {
		if !folder.Pure {
			continue
		}
		for _, imported := range folder.Imports {
			isRecord := imported == "topology/record" || imported == "topology/record/pack"
			require.True(t, folders[imported].Pure || isRecord, "%s imports %s", name, imported)
		}
	}
}

func TestCheckImportsFinds(t *testing.T) {
	find := func(name, text, want string) {
		t.Helper()
		found, err := CheckImports(module, fstest.MapFS{name: {Data: []byte(text)}}, Folders())
		require.NoError(t, err)
		if want == "" {
			require.Empty(t, found)
			return
		}
		require.Len(t, found, 1)
		require.Contains(t, found[0], want)
	}
	find("state/store.go", `package state; import "holdfast/topology"`, "store.go:1:23: state must not import topology")
	find("state/store_test.go", `package state_test; import "holdfast/state"`, "")
	find("state/store.go", `package state; import "time"`, "")
	find("processor/loop.go", `package processor; import "holdfast/processor/inventory"`, "must not import processor/inventory")
	find("processor/loop.go", `package processor; import "holdfast/processor/stage"`, "")
	find("processor/loop.go", `package processor; import "holdfast/processor/kafka"`, "must not import processor/kafka")
	find("processor/loop_test.go", `package processor; import "holdfast/processor/kafka"`, "")
	find("processor/order/a.go", `package order; import "time"`, "take the time from the log")
	find("processor/order/a_test.go", `package order; import "time"`, "")
	find("processor/order/a.go", `package order; import "math/rand/v2"`, "imports math/rand/v2")
	find("processor/order/a.go", `package order; import "math/bits"`, "")
	find("processor/order/a.go", `package order; import "network"`, "")
	find("processor/order/a.go", `package order; import "sync/atomic"`, "one goroutine at a time")
	find("processor/order/a.go", `package order; func f() { func() { go f() }() }`, "starts a goroutine")
	find("processor/order/a_test.go", `package order; func f() { go f() }`, "")
	find("processor/helpers/a.go", `package helpers`, "processor/helpers: the table of folders doesn't name it")
	find("cmd/holdfast/main.go", `package main; import "holdfast/processor/inventory"`, "")
	find("bin/left/over.go", `package left`, "")
	find("state/linux.go", "//go:build never\n\npackage state; import \"holdfast/topology\"", "must not import topology")
}

func TestCheckTextFinds(t *testing.T) {
	find := func(name, text, want string) {
		t.Helper()
		found, err := CheckText(fstest.MapFS{name: {Data: []byte(text)}, "docs/here" + ".md": {}})
		require.NoError(t, err)
		if want == "" {
			require.Empty(t, found)
			return
		}
		require.Len(t, found, 1)
		require.Contains(t, found[0], want)
	}
	find("a.go", "// ok\n// see /ro"+"ot/x", "a.go:2: a path of somebody's machine")
	find(".ci/run", "cd /wo"+"rk/main", "a path of somebody's machine")
	find("a.go", "// https://example.org/ho"+"me/x", "")
	find("a.go", `os.Open("/t`+`mp/x")`, "t.TempDir")
	find("README."+"md", "--data-dir /tmp/x", "")
	find("a.go", "// for iss"+"ue 3", "a number in a tracker")
	find("a.go", "// an issue with 3 parts", "")
	find("a.go", "// TO"+"DO later", "a note to oneself")
	find("Makefile", "# FIX"+"ME", "a note to oneself")
	find("a.go", "// as plan"+".md says", "isn't in the repository")
	find("a.go", "// as docs/here."+"md says", "")
	find("a.go", "// as https://example.org/other/plan.md says", "")
	find("a.bin", "\x00/ro"+"ot/x", "")
}
