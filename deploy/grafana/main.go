package main

import (
	"fmt"
	"os"
)

// file is what main writes and Grafana imports.
const file = "holdfast.json"

func main() {
	if err := write(file); err != nil {
		fmt.Fprintln(os.Stderr, "grafana:", err)
		os.Exit(1)
	}
}

func write(name string) error {
	b, err := build().encode()
	if err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o644)
}
