package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/backup"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/projection"
	"github.com/fleetbeat/fleetbeat/internal/proof"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// BackupConfig says what to back up and where.
type BackupConfig struct {
	DataDir string // of a server, which may be running
	Dir     string // missing or empty
	WithKey bool   // the private key of the proof too
	// WithoutRegistry is for a folder whose server keeps its registry in PostgreSQL, which pg_dump saves.
	WithoutRegistry bool
	Progress        func(written, of int64) // nil: nobody wants to know
}

// backupReserve is how many bytes a backup leaves free on its disk, which may be the server's too.
const backupReserve = 256 << 20

// Backup writes a backup of a data folder: the log up to a position that was durable when it began or later, the registry
// as the log up to there knows it, and what is derived from both. It changes nothing, and the server may go on meanwhile.
// When it fails, it leaves nothing.
func Backup(ctx context.Context, config BackupConfig) (*backup.List, error) {
	if err := checkBackup(config); err != nil {
		return nil, err
	}
	size := sizeOf(config.DataDir)
	var progress func(int64)
	if config.Progress != nil {
		progress = func(written int64) { config.Progress(written, size) }
	}
	w, err := backup.NewWriter(ctx, config.Dir, progress)
	if err != nil {
		return nil, err
	}
	list, err := writeBackup(ctx, config, w, size)
	if err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return list, nil
}

// checkBackup refuses what cannot be backed up, before anything is made.
func checkBackup(config BackupConfig) error {
	if err := backup.RefuseInside(config.DataDir, config.Dir); err != nil {
		return err
	}
	if err := backup.RefuseUnfinished(config.DataDir); err != nil {
		return err
	}
	if err := checkRegistryOf(config); err != nil {
		return err
	}
	head, err := eventlog.HeadOf(config.DataDir)
	if err != nil {
		return fmt.Errorf("looking at the log in %s: %w", config.DataDir, err)
	}
	if head == 0 {
		return fmt.Errorf("%s holds no log", config.DataDir)
	}
	damaged, err := filepath.Glob(filepath.Join(config.DataDir, "damaged-*"))
	if err != nil {
		return fmt.Errorf("looking for damage set aside: %w", err)
	}
	for _, folder := range damaged {
		if _, err := os.Stat(filepath.Join(folder, mendedMark)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the damage in %s is not dealt with yet: the next start of the server does that", folder)
		}
	}
	return nil
}

// writeBackup copies the parts, in an order in which each is at most as new as those after it: what is derived before what
// it is derived from, and the registry before the end of the log. The log is cut where it was before the registry was
// copied, or where the registry knows it to be, so that it holds no fact of the registry that the copy does not hold.
func writeBackup(ctx context.Context, config BackupConfig, w *backup.Writer, size int64) (*backup.List, error) {
	if free, _, err := eventlog.DiskSpace(config.Dir); err != nil {
		return nil, err
	} else if free < uint64(size)+backupReserve {
		return nil, fmt.Errorf("the backup takes about %d MiB and %d are to stay free, and the disk of %s has %d",
			size>>20, backupReserve>>20, config.Dir, free>>20)
	}
	below := func(folder string, create func(string) (io.WriteCloser, error)) func(string) (io.WriteCloser, error) {
		return func(name string) (io.WriteCloser, error) { return create(folder + "/" + name) }
	}
	err := history.Copy(historyDir(config.DataDir), below("history", w.Create), func(name string) error { return w.Remove("history/" + name) })
	if err != nil {
		return nil, err
	}
	if err := projection.Copy(snapshotDir(config.DataDir), below("snapshots", w.Create)); err != nil {
		return nil, err
	}
	var createKey proof.CreateFunc
	if config.WithKey {
		createKey = below(proof.FolderName, w.CreateSecret)
	}
	if err := proof.Copy(proofDir(config.DataDir), below(proof.FolderName, w.Create), createKey); err != nil {
		return nil, err
	}
	before, err := eventlog.HeadOf(config.DataDir)
	if err != nil {
		return nil, err
	}
	var copied registry.Copied
	if !config.WithoutRegistry {
		if copied, err = copyRegistry(ctx, config.DataDir, w); err != nil {
			return nil, err
		}
	}
	head, err := eventlog.HeadOf(config.DataDir)
	if err != nil {
		return nil, err
	}
	end := min(max(before, copied.Relayed), head)
	if err := eventlog.Copy(config.DataDir, end, w.Create); err != nil {
		return nil, err
	}
	return w.Finish(backup.List{MadeAt: time.Now(), Position: uint64(end), Revision: copied.Revision, Key: config.WithKey})
}

func copyRegistry(ctx context.Context, dataDir string, w *backup.Writer) (registry.Copied, error) {
	to, err := w.Path(registryName)
	if err != nil {
		return registry.Copied{}, err
	}
	copied, err := registry.Copy(ctx, filepath.Join(dataDir, registryName), to)
	if err != nil {
		return copied, err
	}
	for _, suffix := range copied.Files {
		if err := w.Add(registryName + suffix); err != nil {
			return copied, err
		}
	}
	return copied, nil
}

// sizeOf is about how many bytes a backup of a data folder has. What goes away while it looks does not count.
func sizeOf(dataDir string) (sum int64) {
	_ = fs.WalkDir(os.DirFS(dataDir), ".", func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), "damaged-") {
			return fs.SkipDir
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
