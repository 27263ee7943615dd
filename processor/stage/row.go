package stage

// Row is a row of a task's state as people read it.
type Row struct {
	Kind string `json:"kind"`            // what the key's first byte stands for
	Of   string `json:"of,omitempty"`    // the SKU, order or warehouse that it is about
	Row  any    `json:"row,omitempty"`   // what it holds, to be written as JSON
	Err  string `json:"error,omitempty"` // why it can't be read
}
