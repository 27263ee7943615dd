package record

import (
	"fmt"

	"holdfast/topology/record/pack"
)

// TableRow is a valid change of a row of warehouses, channels or catalog, on its
// way through the logs. JSON is the row as the public topic has it; Deleted
// stands for a tombstone. Version is the offset in the table's topic: a row with
// a smaller version than the one in state is ignored.
type TableRow struct {
	Key     string
	Version Offset
	Deleted bool
	JSON    []byte
}

const tableRowVersion = 1

// AppendTableRow appends t's internal form.
func AppendTableRow(b []byte, t *TableRow) []byte {
	b = pack.AppendArray(b, 5)
	b = pack.AppendUint(b, tableRowVersion)
	b = pack.AppendString(b, t.Key)
	b = pack.AppendInt(b, int64(t.Version))
	b = pack.AppendBool(b, t.Deleted)
	return pack.AppendBytes(b, t.JSON)
}

// DecodeTableRow reads what AppendTableRow wrote; JSON is a view of body.
func DecodeTableRow(body []byte) (TableRow, error) {
	var t TableRow
	r := pack.NewReader(body)
	r.Form("table row", tableRowVersion, 5, 5)
	t.Key = r.String()
	t.Version = Offset(r.Int())
	t.Deleted = r.Bool()
	t.JSON = r.Bytes()
	if err := r.Close(); err != nil {
		return t, fmt.Errorf("table row: %w", err)
	}
	return t, nil
}
