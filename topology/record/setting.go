package record

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Setting is a quantity of a policy: a value from 0 on, or one of the constants.
type Setting Quantity

// What a policy says of a quantity beside a value.
const (
	SettingKeep   Setting = -1 // nothing: it stays as it is
	SettingRemove Setting = -2 // it no longer applies
)

// IsKept tells that the policy says nothing of the quantity.
func (s Setting) IsKept() bool { return s == SettingKeep }

// Value returns the quantity; ok is false where it is kept or removed.
func (s Setting) Value() (q Quantity, ok bool) { return Quantity(s), s >= 0 }

// SettingInput is a Setting in public JSON: absent keeps, null removes.
type SettingInput struct {
	Present bool
	Null    bool
	Value   Quantity
}

// Setting returns what the input says. A value below zero is not for a Setting
// and must have been refused before.
func (s SettingInput) Setting() Setting {
	switch {
	case !s.Present:
		return SettingKeep
	case s.Null:
		return SettingRemove
	}
	return Setting(s.Value)
}

// Input returns the public form.
func (s Setting) Input() SettingInput {
	if v, ok := s.Value(); ok {
		return SettingInput{Present: true, Value: v}
	}
	return SettingInput{Present: s == SettingRemove, Null: s == SettingRemove}
}

// IsZero tells that the field is absent.
func (s SettingInput) IsZero() bool { return !s.Present }

// MarshalJSON writes null or the number.
func (s SettingInput) MarshalJSON() ([]byte, error) {
	if !s.Present || s.Null {
		return []byte("null"), nil
	}
	return json.Marshal(s.Value)
}

// UnmarshalJSON reads null or a number.
func (s *SettingInput) UnmarshalJSON(b []byte) error {
	*s = SettingInput{Present: true}
	if bytes.Equal(b, []byte("null")) {
		s.Null = true
		return nil
	}
	err := json.Unmarshal(b, &s.Value)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		wrong.Offset = 0 // it was counted from here, not from where the record begins
	}
	return err
}
