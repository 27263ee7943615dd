package record

import (
	"errors"
	"fmt"
	"strings"
)

// ErrMoney means that a text isn't an amount of its currency.
var ErrMoney = errors.New("isn't an amount of the currency")

// MinorDigits returns how many decimals an ISO 4217 currency has: its minor
// unit is the smallest amount that prices have. ok is false when currency isn't
// three capital letters.
func MinorDigits(currency string) (digits int, ok bool) {
	if len(currency) != 3 {
		return 0, false
	}
	for i := range 3 {
		if currency[i] < 'A' || currency[i] > 'Z' {
			return 0, false
		}
	}
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0, true
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3, true
	}
	return 2, true
}

// ParseMoney reads a decimal such as "19.99" as minor units of the currency
// (1999 for USD). Zeros beyond the currency's decimals are fine, other digits
// aren't: there is no rounding, and no floating point.
func ParseMoney(text, currency string) (int64, error) {
	digits, ok := MinorDigits(currency)
	if !ok {
		return 0, fmt.Errorf("currency %.20q: %w", currency, ErrMoney)
	}
	bad := func() (int64, error) { return 0, fmt.Errorf("%.40q in %s: %w", text, currency, ErrMoney) }
	unsigned, negative := strings.CutPrefix(text, "-")
	whole, part, hasPart := strings.Cut(unsigned, ".")
	if whole == "" || hasPart && part == "" {
		return bad()
	}
	kept, zeros := part, ""
	if len(part) > digits {
		kept, zeros = part[:digits], part[digits:]
	}
	if strings.Trim(zeros, "0") != "" {
		return bad()
	}
	const valueMax = 1 << 62 / 10
	v := int64(0)
	for _, s := range []string{whole, kept, "000"[:digits-len(kept)]} {
		for i := 0; i < len(s); i++ {
			if s[i] < '0' || s[i] > '9' || v >= valueMax {
				return bad()
			}
			v = v*10 + int64(s[i]-'0')
		}
	}
	if negative {
		v = -v
	}
	return v, nil
}
