package pack

import "fmt"

// VersionError says that bytes are of a version that this program doesn't read.
type VersionError struct {
	Form         string // what they should be
	Found, Known uint64
}

func (e *VersionError) Error() string {
	text := fmt.Sprintf("%s version %d, known is %d", e.Form, e.Found, e.Known)
	if e.Found > e.Known {
		return text + ": a newer Holdfast wrote it, and that or a newer one must run here"
	}
	return text + ": an older Holdfast wrote it, and this one no longer reads it"
}

// Form begins a form of ours, [version, field, …], and returns how many elements
// it has, the version among them: from least to most. The version comes first
// because another one may have another number of fields, and is what to be told of
// then.
func (r *Reader) Form(form string, known uint64, least, most int) int {
	fields := r.Array()
	if fields == 0 {
		r.fail(ErrForm)
		return 0
	}
	if v := r.Uint(); r.err == nil && v != known {
		r.fail(&VersionError{form, v, known})
		return 0
	}
	if fields < least || fields > most {
		r.fail(ErrForm)
		return 0
	}
	return fields
}
