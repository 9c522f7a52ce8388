package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/api"
	"github.com/fleetbeat/fleetbeat/internal/backup"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/projection"
	"github.com/fleetbeat/fleetbeat/internal/proof"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// check refuses a configuration that cannot work.
func (a *App) check(context.Context) error {
	c := a.config
	if c.DataDir == "" {
		return errors.New("no data folder is given")
	}
	if err := backup.RefuseUnfinished(c.DataDir); err != nil {
		return err
	}
	if c.CanaryInterval < 0 || c.SnapshotEvery < 0 || c.SignEvery < 0 {
		return fmt.Errorf("the canary interval %s and the times between snapshots %s and checkpoints %s must be positive", c.CanaryInterval, c.SnapshotEvery, c.SignEvery)
	}
	if c.KeepHistory != 0 && c.KeepHistory < time.Hour {
		return fmt.Errorf("the history cannot be kept for %s: an hour is the least, and 0 keeps everything", c.KeepHistory)
	}
	if c.KeepLog != 0 && c.KeepLog < leastKeptLog {
		return fmt.Errorf("the log cannot be kept for %s: %s is the least, and 0 keeps everything", c.KeepLog, leastKeptLog)
	}
	if err := errors.Join(a.checkShared(), a.checkTraces()); err != nil {
		return err
	}
	if c.RegistryURL != "" {
		if err := registry.CheckURL(c.RegistryURL); err != nil {
			return err
		}
	}
	if err := registry.CheckPolicy(c.DefaultPolicy); err != nil {
		return fmt.Errorf("the default policy is %w", err)
	}
	for _, origin := range c.WebOrigins {
		if err := api.CheckOrigin(origin); err != nil {
			return err
		}
	}
	if c.PublicURL == "" {
		return nil
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the public address %q is not of the form https://host", c.PublicURL)
	}
	return nil
}

// refuseNewer looks through everything that a newer version may have written, before anything is opened that would
// write. The log refuses a newer one by itself.
func (a *App) refuseNewer(ctx context.Context) error {
	if err := a.checkRegistry(ctx); err != nil {
		return err
	}
	if err := history.RefuseNewer(historyDir(a.config.DataDir)); err != nil {
		return err
	}
	return errors.Join(projection.RefuseNewer(snapshotDir(a.config.DataDir)), proof.RefuseNewer(proofDir(a.config.DataDir)))
}

// registryName is the name of the registry in a data folder.
const registryName = "registry.db"

func (a *App) registryPath() string { return filepath.Join(a.config.DataDir, registryName) }

func snapshotDir(dataDir string) string { return filepath.Join(dataDir, "snapshots") }

func proofDir(dataDir string) string { return filepath.Join(dataDir, proof.FolderName) }
