// Package pack writes and reads the few msgpack forms that Holdfast's internal
// records and state values are made of: unsigned and signed integers,
// booleans, strings, bytes, nil and arrays.
//
// It exists beside a general msgpack library for two reasons. The hot path
// must not allocate per record, and a length found in the input must never be
// trusted: a general decoder allocates what a length header claims before it
// looks whether so many bytes follow. A Reader here only ever returns views of
// bytes that are really there, and an array length is checked against the
// bytes left (each element takes at least one).
//
//	write:  b = pack.AppendArray(b, 2); b = pack.AppendString(b, "x"); b = pack.AppendInt(b, -3)
//	read:   r := pack.NewReader(b); n := r.Array(); s := r.String(); i := r.Int(); err := r.Close()
//
// What is written is plain msgpack: any msgpack library can read it.
package pack
