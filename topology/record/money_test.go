package record

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseMoney(t *testing.T) {
	for _, c := range []struct {
		text, currency string
		want           int64
	}{
		{"96000", "VND", 96000}, {"96000.00", "VND", 96000}, {"19.99", "USD", 1999}, {"19.9", "USD", 1990}, {"19", "USD", 1900},
		{"0.01", "USD", 1}, {"-0.01", "USD", -1}, {"19.990", "USD", 1999}, {"1.234", "KWD", 1234}, {"007", "JPY", 7}, {"0", "VND", 0},
		{"400000000000000000", "VND", 400000000000000000},
	} {
		got, err := ParseMoney(c.text, c.currency)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, got, c.text)
	}
	for _, c := range []struct{ text, currency string }{
		{"", "USD"}, {".", "USD"}, {"1.", "USD"}, {".5", "USD"}, {"-", "USD"}, {"--1", "USD"}, {"+1", "USD"}, {"1,5", "USD"}, {"1e3", "USD"},
		{"1.999", "USD"}, {"0.5", "VND"}, {"1.2.3", "USD"}, {" 1", "USD"}, {"1", ""}, {"1", "usd"}, {"1", "US"}, {"1", "USDX"},
		{"9999999999999999999", "VND"}, {"99999999999999999999999999", "USD"},
	} {
		_, err := ParseMoney(c.text, c.currency)
		require.ErrorIs(t, err, ErrMoney, "%q %q", c.text, c.currency)
	}
}

// What is taken is exactly the amount: compared with fractions of any size.
func FuzzParseMoney(f *testing.F) {
	f.Add("19.99", "USD")
	f.Add("-96000.0000", "VND")
	f.Fuzz(func(t *testing.T, text, currency string) {
		v, err := ParseMoney(text, currency)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		digits, _ := MinorDigits(currency)
		for range digits {
			want.Mul(want, big.NewRat(10, 1))
		}
		require.Zero(t, want.Cmp(new(big.Rat).SetInt64(v)))
	})
}
