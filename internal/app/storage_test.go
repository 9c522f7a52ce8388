package app_test

import (
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// TestTheStorageIsWhatLiesInTheFolder: all bytes below the data folder are told but for the list of the history's files, and
// how far the log reaches.
func TestTheStorageIsWhatLiesInTheFolder(t *testing.T) {
	t.Parallel()
	s := original(t)
	accepted, err := s.Heartbeat(t.Context(), someVIN, client.NewHeartbeat{})
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	s.Restart(t) // with snapshots, and verified to the end
	storage, err := s.Storage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	parts, told := map[string]client.StoredPart{}, int64(0)
	for _, p := range storage.Parts {
		parts[p.Part+p.Length] = p
		told += p.Bytes
	}
	log := parts["log"]
	if log.OldestPosition != 1 || log.NewestPosition < accepted.Position || log.Oldest.IsZero() || log.Newest.Before(log.Oldest.Time) || log.Bytes == 0 {
		t.Errorf("the log is told as %+v", log)
	}
	for _, name := range []string{"snapshots", "registry", "proof"} {
		if parts[name].Files == 0 || parts[name].Bytes == 0 {
			t.Errorf("%s: %+v", name, parts[name])
		}
	}
	if v := storage.Verified; v.Position < accepted.Position || v.At.Before(before.Add(-time.Second)) || v.Damages != 0 {
		t.Errorf("verified: %+v", v)
	}
	if storage.DiskFree == 0 || storage.DiskTotal < storage.DiskFree {
		t.Errorf("the disk has %d bytes, %d free", storage.DiskTotal, storage.DiskFree)
	}
	lies := int64(0)
	err = filepath.WalkDir(s.Config.DataDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Dir(path) == filepath.Join(s.Config.DataDir, "history") {
			return err
		}
		info, err := entry.Info()
		lies += info.Size()
		return err
	})
	if err != nil || told > lies || told < lies*9/10 { // the log grows meanwhile
		t.Errorf("%d bytes are told, %d lie there (%v)", told, lies, err)
	}
}
