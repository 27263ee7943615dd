package record

import "testing"

// benchForms are the forms of the hot path, appended to a buffer that is used again, as the stages do, and read into a
// value that is used again where the form allows it.
func benchForms() []struct {
	name   string
	encode func(to []byte) []byte
	decode func(from []byte) error
} {
	c := &Command{
		Verb: VerbReserve, OrderKey: "web/main/W-1001", SKU: "TEE-RED-M", Attempt: 1, Cause: "e-1", Qty: 2,
		Allocate: true, Whole: true, Ranked: []Ranked{{"HCM-1", 0}, {"HN-1", 1}},
	}
	d := &Decision{
		Verb: VerbReserve, Outcome: OutcomeGranted, OrderKey: "web/main/W-1001", SKU: "TEE-RED-M", Attempt: 1, Cause: "e-1",
		Requested: 2, Allocated: true, Rule: "one_warehouse", Moves: []Movement{{"HCM-1", 7, 2, Counters{10, 0, 0, 3}, Counters{10, 0, 0, 5}}},
	}
	a := &Availability{SKU: "TEE-RED-M", Fed: true, Rows: []AvailabilityRow{{"HCM-1", 12, 5, Counters{1000, 1, 2, 3}}}}
	e := sampleOrderEvent()
	var command Command
	var decision Decision
	var availability Availability
	return []struct {
		name   string
		encode func(to []byte) []byte
		decode func(from []byte) error
	}{
		{"command", func(to []byte) []byte { return AppendCommand(to, c) }, command.Decode},
		{"decision", func(to []byte) []byte { return AppendDecision(to, d) }, decision.Decode},
		{"availability", func(to []byte) []byte { return AppendAvailability(to, a) }, availability.Decode},
		{"order_event", func(to []byte) []byte { return AppendOrderEvent(to, e) }, func(from []byte) error {
			_, err := DecodeOrderEvent(from)
			return err
		}},
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, f := range benchForms() {
		b.Run(f.name, func(b *testing.B) {
			buffer := f.encode(nil)
			b.SetBytes(int64(len(buffer)))
			b.ReportAllocs()
			for b.Loop() {
				buffer = f.encode(buffer[:0])
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, f := range benchForms() {
		b.Run(f.name, func(b *testing.B) {
			encoded := f.encode(nil)
			b.SetBytes(int64(len(encoded)))
			b.ReportAllocs()
			for b.Loop() {
				if err := f.decode(encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// An envelope of 500 commands: one operation is one of them, put in and taken out.
func BenchmarkEnvelope(b *testing.B) {
	const entries = 500
	body := benchForms()[0].encode(nil)
	var e EnvelopeBuilder
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += entries {
		n := min(entries, b.N-done)
		for range n {
			e.Add(KindCommand, []byte("TEE-RED-M"), Origin{Topic: "holdfast.channel.web.orders", Partition: 3, Offset: Offset(done)}, body)
		}
		seen := 0
		err := Entries(e.Close(), func(Entry) error { seen++; return nil })
		if err != nil || seen != n {
			b.Fatal(seen, err)
		}
	}
}
