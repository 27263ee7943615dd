package pack

import "testing"

// One operation is a number of each size and a short text, written and read.
func BenchmarkPack(b *testing.B) {
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = buffer[:0]
		for _, n := range []int64{7, 200, 40_000, 3_000_000_000, -5, -70_000} {
			buffer = AppendInt(buffer, n)
		}
		buffer = AppendString(buffer, "web/main/W-1001")
		r := NewReader(buffer)
		sum := int64(0)
		for range 6 {
			sum += r.Int()
		}
		if text := r.View(); len(text) != 15 || sum != 3_000_040_207-70_005 || r.Close() != nil {
			b.Fatal(sum, text)
		}
	}
}
