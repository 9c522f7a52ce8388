package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/backup"
)

type backupCommand struct {
	Dir     string `arg:"" help:"Folder for the backup; missing or empty." type:"path"`
	Data    string `help:"Folder of the server; it may be running." default:"fleetbeat-data" type:"path"`
	WithKey bool   `help:"Put the private key of the proof into the backup too."`

	WithoutRegistry bool `help:"The registry is in PostgreSQL, and saved by pg_dump after this backup."`
}

// Help is shown below the flags.
func (backupCommand) Help() string {
	return `Writes log, registry, history and what else a server needs into a folder, with the checksum of every file. The server goes on taking
heartbeats meanwhile. Nothing of its folder is changed. "fleetbeat restore" puts the backup back.

The private key by which the server signs its log is left out unless --with-key is given: a server that is restored without it makes a new
one. Give it when the server moves for good, and keep such a backup as you keep a key.`
}

func (c *backupCommand) Run(ctx context.Context, t *terminal) error {
	if _, err := os.Stat(c.Data); err != nil {
		return usageError{err}
	}
	p := progress{terminal: t, verb: "written"}
	list, err := app.Backup(ctx, app.BackupConfig{DataDir: c.Data, Dir: c.Dir, WithKey: c.WithKey, WithoutRegistry: c.WithoutRegistry, Progress: p.tell})
	if err != nil {
		return fmt.Errorf("backing up %s: %w", c.Data, err)
	}
	fmt.Fprintf(t.err, "%s: %d files, %s, the log up to position %d\n", c.Dir, len(list.Files), mebibytes(list.Bytes()), list.Position)
	return nil
}

type restoreCommand struct {
	Dir  string `arg:"" help:"Folder of the backup." type:"path"`
	Data string `help:"Folder for the server; missing or empty." default:"fleetbeat-data" type:"path"`
}

// Help is shown below the flags.
func (restoreCommand) Help() string {
	return `Checks every file of a backup against its checksum, and then puts them all into a folder from which a server starts. While it is at work,
or when it was interrupted, no server starts from that folder.`
}

func (c *restoreCommand) Run(ctx context.Context, t *terminal) error {
	if _, err := os.Stat(c.Dir); err != nil {
		return usageError{err}
	}
	p := progress{terminal: t, verb: "read"}
	list, err := backup.Restore(ctx, c.Dir, c.Data, p.tell)
	if err != nil {
		return fmt.Errorf("restoring %s: %w", c.Dir, err)
	}
	fmt.Fprintf(t.err, "%s: %d files, %s, the log up to position %d, as of %s\n",
		c.Data, len(list.Files), mebibytes(list.Bytes()), list.Position, list.MadeAt.Format(time.RFC3339))
	return nil
}

// progress says how far long work has come, now and then.
type progress struct {
	*terminal
	verb string
	next time.Time
}

// progressEvery is the time between two lines.
const progressEvery = 5 * time.Second

func (p *progress) tell(done, of int64) {
	now := time.Now()
	if p.next.IsZero() {
		p.next = now.Add(progressEvery)
	}
	if now.Before(p.next) {
		return
	}
	p.next = now.Add(progressEvery)
	fmt.Fprintf(p.err, "%s of about %s %s\n", mebibytes(done), mebibytes(max(done, of)), p.verb)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
