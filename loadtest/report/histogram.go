package report

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Bounds of a histogram that is read. Three digits over all that 64 bits can
// count takes 430 KiB; five would take 50 MiB, which a file of 100 bytes could
// ask for.
const (
	histogramBytesMax  = 1 << 20
	histogramDigitsMax = 3
)

// EncodeHistogram returns the histogram as Latency.Histogram holds it.
func EncodeHistogram(h *hdrhistogram.Histogram) string {
	b, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		panic("BUG: encoding a histogram into memory: " + err.Error())
	}
	return string(b)
}

// Decode returns the histogram, of microseconds; nil when there is none.
func (l *Latency) Decode() (*hdrhistogram.Histogram, error) {
	if l.Histogram == "" {
		return nil, nil
	}
	if len(l.Histogram) > histogramBytesMax {
		return nil, fmt.Errorf("histogram of %d bytes, may have %d", len(l.Histogram), histogramBytesMax)
	}
	digits, err := histogramDigits(l.Histogram)
	if err == nil && (digits < 0 || digits > histogramDigitsMax) {
		err = fmt.Errorf("%d significant digits, may have %d", digits, histogramDigitsMax)
	}
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	h, err := hdrhistogram.Decode([]byte(l.Histogram))
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	return h, nil
}

// histogramDigits reads the significant digits from the header, before anything
// is allocated for them. The header: cookie, length, offset, digits, of 4 bytes
// each, behind 8 bytes that aren't compressed.
func histogramDigits(encoded string) (int32, error) {
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return 0, err
	}
	if len(b) < 8 {
		return 0, errors.New("too short")
	}
	z, err := zlib.NewReader(bytes.NewReader(b[8:]))
	if err != nil {
		return 0, err
	}
	var header [16]byte
	if _, err := io.ReadFull(z, header[:]); err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(header[12:])), nil
}

// Steps of a distribution: so many each time the distance to 100 % halves.
const (
	hgrmTicks = 5
	// microsInMilli: histograms count microseconds, reports say milliseconds.
	microsInMilli = 1000
)

// WriteHGRM writes the percentile distribution in milliseconds, in the text that
// HdrHistogram's plotters read.
func (l *Latency) WriteHGRM(w io.Writer) error {
	h, err := l.Decode()
	if err != nil {
		return fmt.Errorf("latency %s: %w", l.Name, err)
	}
	if h == nil {
		return fmt.Errorf("latency %s has no histogram", l.Name)
	}
	_, err = h.PercentilesPrint(w, hgrmTicks, microsInMilli)
	return err
}
