package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// movedName is the file of a data folder that says that its registry is in PostgreSQL, and where. Without it, a registry
// that was left in the folder would be taken for the present one by a start without the URL, and by a backup.
const movedName = registryName + "-moved"

// checkRegistry refuses a registry that cannot be used, before anything is opened that would write, and waits for one that
// is not there yet.
func (a *App) checkRegistry(ctx context.Context) error {
	config := registry.Config{Path: a.registryPath(), URL: a.config.RegistryURL, Logger: a.config.Logger}
	if err := registry.Check(ctx, config); err != nil {
		if config.URL == "" {
			return fmt.Errorf("looking at registry %s: %w", config.Path, err)
		}
		return fmt.Errorf("looking at the registry in PostgreSQL: %w", err)
	}
	if config.URL != "" {
		return nil
	}
	where, err := movedTo(a.config.DataDir)
	if err != nil || where == "" {
		return err
	}
	return fmt.Errorf("the registry of %s is in PostgreSQL, at %s: give its URL by --registry or --registry-file, or remove %s to use the one in the folder",
		a.config.DataDir, where, filepath.Join(a.config.DataDir, movedName))
}

// movedTo says where the registry of a data folder is; "" when it is in the folder.
func movedTo(dataDir string) (string, error) {
	where, err := os.ReadFile(filepath.Join(dataDir, movedName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking where the registry is: %w", err)
	}
	return strings.TrimSpace(string(where)), nil
}

// markRegistry notes in the data folder that the registry is elsewhere.
func (a *App) markRegistry() error {
	if a.config.RegistryURL == "" {
		return nil
	}
	err := os.WriteFile(filepath.Join(a.config.DataDir, movedName), []byte(a.registry.Where()+"\n"), 0o640)
	if err != nil {
		return fmt.Errorf("noting where the registry is: %w", err)
	}
	return nil
}

// emptyRegistry is the refusal of a registry that does not know what the log knows.
func (a *App) emptyRegistry() error {
	if a.config.RegistryURL == "" {
		return fmt.Errorf("the registry in %s is empty and the log beside it knows vehicles: put back the data folder as a whole", a.config.DataDir)
	}
	return fmt.Errorf("the registry %s is empty and the log in %s knows vehicles: \"fleetbeat registry copy\" copies it from the folder, pg_restore from a dump",
		a.registry.Where(), a.config.DataDir)
}

// olderRegistry is the refusal of a registry that lacks writes which the folder knows.
func (a *App) olderRegistry(is, known int64) error {
	if a.config.RegistryURL == "" {
		return fmt.Errorf("the registry in %s is older than what was derived from it (revision %d, not %d): put back the data folder as a whole",
			a.config.DataDir, is, known)
	}
	return fmt.Errorf("the registry %s is older than what was derived from it in %s (revision %d, not %d): it would give numbers of vehicles to others",
		a.registry.Where(), a.config.DataDir, is, known)
}

// relayed waits until the log has the facts of all writes up to a revision, also over times in which the registry is away.
func (a *App) relayed(ctx context.Context, revision int64) (event.Position, error) {
	for {
		position, err := a.registry.WaitRelayed(ctx, revision)
		if !errors.Is(err, registry.ErrUnavailable) {
			return position, err
		}
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// checkRegistryOf refuses a backup that would lack a registry, or have one that is not in use any more.
func checkRegistryOf(config BackupConfig) error {
	where, err := movedTo(config.DataDir)
	switch {
	case err != nil:
		return err
	case where != "" && !config.WithoutRegistry:
		return fmt.Errorf("the registry of %s is in PostgreSQL, at %s: back up the rest by --without-registry, and after that the registry by pg_dump", config.DataDir, where)
	case where == "" && config.WithoutRegistry:
		return fmt.Errorf("the registry is in %s, and nothing else would save it: back up without --without-registry", config.DataDir)
	}
	return nil
}

// InspectRegistry looks at the registry of a data folder or, with a URL, in PostgreSQL. A server may use it meanwhile.
func InspectRegistry(ctx context.Context, dataDir, url string) (registry.Summary, error) {
	return registry.Inspect(ctx, registry.Config{Path: filepath.Join(dataDir, registryName), URL: url})
}

// MigrateRegistry brings the tables of a registry in PostgreSQL up to date, as the start of a server does.
func MigrateRegistry(ctx context.Context, url string, logger *slog.Logger) error {
	r, err := registry.Open(ctx, registry.Config{URL: url, NoWait: true, Logger: logger})
	if err != nil {
		return err
	}
	return r.Close()
}

// CopyRegistry copies the registry of a data folder, on which no server may run, into an empty one in PostgreSQL.
func CopyRegistry(ctx context.Context, dataDir, url string, logger *slog.Logger) (counts []registry.TableCount, err error) {
	path := filepath.Join(dataDir, registryName)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("looking at the registry of %s: %w", dataDir, err)
	}
	release, err := eventlog.Hold(dataDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	to, err := registry.Open(ctx, registry.Config{URL: url, NoWait: true, Logger: logger})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	from, err := registry.Open(ctx, registry.Config{Path: path, Logger: logger})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	return registry.CopyAll(ctx, from, to)
}
