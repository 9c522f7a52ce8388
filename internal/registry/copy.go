package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Copied says of which moment a copy of a registry is.
type Copied struct {
	Revision int64
	Relayed  event.Position // the log has every fact relayed by then at or before this position
	Files    []string       // suffixes of the path given: the copy and what belongs to it
}

// Copy writes the registry of one moment to a path at which there is nothing, with its checksums beside it. The registry may
// be open in another process, which goes on writing; its files are not changed. The copy is as small as can be: what was
// deleted is not in it. Errors are ErrNewerSchema, ErrDamaged, and those of the operating system.
func Copy(ctx context.Context, from, to string) (Copied, error) {
	copied := Copied{Files: []string{"", checksumsSuffix}}
	if err := RefuseNewer(ctx, from); err != nil {
		return copied, err
	}
	if some, err := holdsSomething(from); !some {
		return copied, errors.Join(err, fmt.Errorf("there is no registry at %s", from))
	}
	if err := vacuumInto(ctx, from, to); err != nil {
		return copied, fmt.Errorf("copying registry %s: %w", from, err)
	}
	if err := copied.complete(ctx, to); err != nil {
		return copied, fmt.Errorf("checking the copy of registry %s: %w", from, err)
	}
	return copied, nil
}

func vacuumInto(ctx context.Context, from, to string) error {
	for {
		_, before := os.Stat(from + walSuffix)
		err := untouched(from, func(db *sql.DB) error {
			_, err := db.ExecContext(ctx, `VACUUM INTO $1`, to)
			return err
		})
		// Without a write-ahead log the file was read as one that nobody writes. A process that opened it meanwhile has made
		// one, and may have written.
		if _, after := os.Stat(from + walSuffix); err != nil || !errors.Is(before, fs.ErrNotExist) || errors.Is(after, fs.ErrNotExist) {
			return err
		}
		if err := os.Remove(to); err != nil {
			return err
		}
	}
}

// complete checks a copy, makes it a database like those that Open makes, and writes its checksums.
func (c *Copied) complete(ctx context.Context, path string) error {
	db, err := openWriter(ctx, path)
	if err != nil {
		return err
	}
	p, err := loadProgress(ctx, db)
	if err == nil {
		err = checkStructure(ctx, db)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	c.Revision, c.Relayed = p.revision, p.position
	sums := &checksums{path: path, revision: p.revision}
	return errors.Join(sums.update(), sums.close())
}
