package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ByteSize is a number of bytes, written as 64MiB or 67108864.
type ByteSize int64

var byteUnits = [...]struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String writes the size in the largest unit that divides it.
func (b ByteSize) String() string {
	for _, u := range byteUnits {
		if b != 0 && int64(b)%u.bytes == 0 {
			return strconv.FormatInt(int64(b)/u.bytes, 10) + u.name
		}
	}
	return "0B"
}

// MarshalText writes as String does.
func (b ByteSize) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

var (
	errByteSize = errors.New("must be a number of bytes such as 64MiB (B, KiB, MiB, GiB)")
	errDuration = errors.New("must be a time with its unit such as 250ms, 30s, 72h or 7d")
)

func parseByteSize(text string) (ByteSize, error) {
	factor := int64(1)
	for _, u := range byteUnits {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			text, factor = strings.TrimSpace(number), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > (1<<50)/factor {
		return 0, errByteSize
	}
	return ByteSize(n * factor), nil
}

const day = 24 * time.Hour

// parseDuration reads what time.ParseDuration does, and days in front: "7d",
// "1d12h". "off" is 0.
func parseDuration(text string) (time.Duration, error) {
	if text == "off" {
		return 0, nil
	}
	var days time.Duration
	if number, rest, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, errDuration
		}
		days, text = time.Duration(n)*day, rest
		if text == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || days > 0 && d < 0 {
		return 0, errDuration
	}
	return days + d, nil
}

// formatDuration writes d so that parseDuration reads it back, without the zeros
// that Go's own form ends with.
func formatDuration(d time.Duration) string {
	if d != 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
