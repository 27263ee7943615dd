package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// secretBytesMax bounds a file of a password, key or certificates. A bundle of
// all authorities that browsers believe is 250 KiB; what is larger is a mistake
// in the path, and /dev/zero would never end.
const secretBytesMax = 1 << 20

var errTooLarge = errors.New("is too large for what it should hold")

// readBounded reads a small file whole. The error names it and never quotes it.
func readBounded(path string, bytesMax int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(f, bytesMax+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > bytesMax {
		return nil, fmt.Errorf("%s %w: more than %d bytes", path, errTooLarge, bytesMax)
	}
	return b, nil
}

// readPassword reads a file that holds a password and nothing else. Editors and
// `echo` end a file with a line break, which is nobody's password.
func readPassword(path string) (string, error) {
	b, err := readBounded(path, secretBytesMax)
	if err != nil {
		return "", err
	}
	password := strings.TrimRight(string(b), "\r\n")
	switch {
	case password == "":
		return "", fmt.Errorf("%s is empty", path)
	case strings.ContainsAny(password, "\r\n\x00"):
		return "", fmt.Errorf("%s holds more than one line, and a password is one", path)
	}
	return password, nil
}
