package closing

import (
	"io/fs"
	"path/filepath"
	"syscall"
)

// marks are how many parts a run is measured in.
const marks = 10

// Mark is where a run stands when a further tenth of the orders has been reserved.
type Mark struct {
	Lines      int64   // decided since the start
	CPUSeconds float64 // of the process since it began: deciding, Pebble's background work, the load and the judge
	StoreBytes int64   // on disk, of all partitions
}

// mark notes where the run stands, once for each tenth.
func (r *run) mark() error {
	if r.load.reserved < (len(r.marks)+1)*r.cfg.Reservations/marks {
		return nil
	}
	m := Mark{Lines: int64(r.load.commands)}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	m.CPUSeconds = float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	err := filepath.WalkDir(filepath.Join(r.cfg.Dir, "node"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // Pebble removes files meanwhile
		}
		if info, err := d.Info(); err == nil {
			m.StoreBytes += info.Size()
		}
		return nil
	})
	r.marks = append(r.marks, m)
	return err
}
