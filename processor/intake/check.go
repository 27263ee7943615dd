package intake

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"holdfast/topology/record"
)

// mainShop is the shop of an order that names none.
const mainShop = "main"

// textBytesMax bounds texts that are only shown (reasons), which are cut; other
// fields have IDBytesMax. Together with the number of lines it keeps an entry
// far below what an internal record may have.
const textBytesMax = 1000

func refuse(reason, format string, args ...any) *record.Refusal {
	return &record.Refusal{Reason: reason, Message: cut(fmt.Sprintf(format, args...), textBytesMax)}
}

// cut returns at most bytesMax bytes of s, whole characters only.
func cut(s string, bytesMax int) string {
	if len(s) <= bytesMax {
		return s
	}
	s = s[:bytesMax]
	for len(s) > 0 {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

// checkID checks an id that is taken as it is: orders, SKUs, warehouses, lines,
// events. The replacement character stands for what JSON could not carry; two
// different broken ids would look the same.
func checkID[S ~string](what string, id S) *record.Refusal {
	switch {
	case id == "":
		return refuse(record.RefuseBadID, "%s: missing", what)
	case len(id) > record.IDBytesMax:
		return refuse(record.RefuseBadID, "%s: %d bytes, the most is %d", what, len(id), record.IDBytesMax)
	case !utf8.ValidString(string(id)) || strings.ContainsRune(string(id), utf8.RuneError):
		return refuse(record.RefuseBadID, "%s: isn't UTF-8", what)
	case strings.ContainsFunc(string(id), unicode.IsControl):
		return refuse(record.RefuseBadID, "%s: %q has control characters", what, id)
	}
	return nil
}

// checkOptionalID is checkID for what may be absent.
func checkOptionalID[S ~string](what string, id S) *record.Refusal {
	if id == "" {
		return nil
	}
	return checkID(what, id)
}

func checkEventID(id string) *record.Refusal {
	if id == "" {
		return refuse(record.RefuseMissingEventID, "event_id: missing")
	}
	return checkID("event_id", id)
}

// checkChannel checks the form [a-z][a-z0-9-]{0,31}.
func checkChannel(what, name string) *record.Refusal {
	ok := name != "" && len(name) <= 32 && name[0] >= 'a' && name[0] <= 'z'
	for i := 1; ok && i < len(name); i++ {
		c := name[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	}
	if !ok {
		return refuse(record.RefuseBadID, "%s: %.60q isn't a lower-case letter followed by up to 31 of a-z 0-9 -", what, name)
	}
	return nil
}

// checkShop checks the form [A-Za-z0-9._-]{1,64}.
func checkShop(what, name string) *record.Refusal {
	ok := name != "" && len(name) <= 64
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
	}
	if !ok {
		return refuse(record.RefuseBadID, "%s: %.80q isn't 1 to 64 of A-Z a-z 0-9 . _ -", what, name)
	}
	return nil
}

func checkQty(what string, qty, least, most record.Quantity) *record.Refusal {
	if qty < least || qty > most {
		return refuse(record.RefuseQtyOutOfRange, "%s: %d, must be %d to %d", what, qty, least, most)
	}
	return nil
}

// checkPlace checks coordinates: both or none, and on earth. The comparison is
// written so that what isn't a number fails.
func checkPlace(lat, lng *float64) *record.Refusal {
	if lat == nil && lng == nil {
		return nil
	}
	if lat == nil || lng == nil {
		return refuse(record.RefuseBadPlace, "lat, lng: one without the other")
	}
	if !(*lat >= -90 && *lat <= 90 && *lng >= -180 && *lng <= 180) {
		return refuse(record.RefuseBadPlace, "lat, lng: %v, %v isn't on earth", *lat, *lng)
	}
	return nil
}

// first returns the first refusal there is.
func first(refusals ...*record.Refusal) *record.Refusal {
	for _, r := range refusals {
		if r != nil {
			return r
		}
	}
	return nil
}
