package registry

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// What is known here of SQLite's files stands in https://sqlite.org/fileformat2.html.
const (
	walSuffix      = "-wal"
	walHeader      = 32 // bytes
	walFrameHeader = 24 // bytes
)

// checkpointAt is SQLite's own default for sqlite.checkpointAt.
const checkpointAt = 4 << 20

// readPageSize is the size of a database's pages, in bytes.
func readPageSize(db io.ReaderAt) (int, error) {
	var field [2]byte
	if _, err := db.ReadAt(field[:], 16); err != nil {
		return 0, fmt.Errorf("reading the size of its pages: %w", err)
	}
	if size := int(binary.BigEndian.Uint16(field[:])); size != 1 {
		return size, nil
	}
	return 64 << 10, nil
}

// committedPages are the numbers of the pages that committed transactions put into a WAL. Frames left over from before
// the WAL was begun anew do not count: they have another salt. No WAL has none.
func committedPages(path string, pageSize int) (map[uint32]bool, error) {
	wal, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer wal.Close()
	header := make([]byte, walHeader)
	if _, err := wal.ReadAt(header, 0); err != nil {
		return nil, ignoreEOF(err)
	}
	salt := string(header[16:24])
	committed := map[uint32]bool{}
	var pending []uint32
	frame := make([]byte, walFrameHeader)
	for at := int64(walHeader); ; at += int64(walFrameHeader + pageSize) {
		_, err := wal.ReadAt(frame, at)
		if err != nil || string(frame[8:16]) != salt {
			return committed, ignoreEOF(err)
		}
		pending = append(pending, binary.BigEndian.Uint32(frame))
		if pagesAfter := binary.BigEndian.Uint32(frame[4:]); pagesAfter == 0 {
			continue // more of the transaction follows
		}
		for _, page := range pending {
			committed[page] = true
		}
		pending = pending[:0]
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// checkpointWhenLarge brings the WAL into the database once it is large. What was committed is safe without.
func (s *sqlite) checkpointWhenLarge(ctx context.Context) {
	if info, err := os.Stat(s.path + walSuffix); err == nil && info.Size() >= s.checkpointAt {
		s.tryCheckpoint(context.WithoutCancel(ctx))
	}
}

// scrub brings the database's own file up to date, in which zeros stand in the place of what was deleted, and empties the
// write-ahead log: then no file holds any of it. ErrBusy: readers kept it from being done.
func (s *sqlite) scrub(ctx context.Context) error {
	whole, err := s.checkpoint(ctx, "FULL")
	if err != nil {
		return err
	}
	info, err := os.Stat(s.path + walSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking at the write-ahead log: %w", err)
	}
	if !whole || err == nil && info.Size() > 0 {
		return ErrBusy
	}
	return nil
}

func (s *sqlite) tryCheckpoint(ctx context.Context) {
	if _, err := s.checkpoint(ctx, "PASSIVE"); err != nil {
		s.logger.Warn("the registry's write-ahead log stays as it is for now", "path", s.path, "error", err)
	}
}

// lastCheckpoint is the one before the database is closed, when SQLite takes into it whatever the WAL still has. It
// waits for readers that are about to end. When it cannot take all, the checksums would not fit, and are given up: the
// next start then checks the database without them.
func (s *sqlite) lastCheckpoint(ctx context.Context) error {
	whole, err := s.checkpoint(ctx, "FULL")
	if whole {
		return nil
	}
	s.logger.Warn("the registry is closed without checksums: its write-ahead log could not be taken in", "path", s.path, "error", err)
	return s.checksums.drop()
}

// checkpoint brings what the WAL holds into the database's own file, and its checksums up to date, and says whether that
// was all of it. Readers that look at an older state keep part of it, or the WAL itself, from being cleared; a later
// checkpoint takes the rest. The mode is SQLite's: PASSIVE waits for nobody, FULL for readers.
func (s *sqlite) checkpoint(ctx context.Context, mode string) (whole bool, err error) {
	writer, err := s.writer.Conn(ctx) // there is only this one: nobody writes meanwhile
	if err != nil {
		return false, err
	}
	defer writer.Close()
	// The checksums come between: as long as the WAL has the pages, a crash leaves nothing that does not fit.
	whole, err = backfill(ctx, writer, mode)
	if err != nil {
		return false, fmt.Errorf("bringing the write-ahead log into the database: %w", err)
	}
	if err := s.checksums.update(); err != nil {
		return false, fmt.Errorf("writing the checksums of the database: %w", err)
	}
	if !whole {
		return false, nil // clearing the WAL would take the rest into the database, past the checksums
	}
	return true, errors.Join(
		pragma(ctx, writer, "busy_timeout(0)"), // readers are not waited for
		pragma(ctx, writer, "wal_checkpoint(TRUNCATE)"),
		pragma(ctx, writer, "busy_timeout("+busyTimeout+")"),
	)
}

// backfill brings as much of the WAL into the database as its readers allow, and says whether that was all of it.
func backfill(ctx context.Context, conn *sql.Conn, mode string) (whole bool, err error) {
	var busy, frames, done int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &done)
	return busy == 0 && frames == done, err
}

// pragma runs a PRAGMA for its effect.
func pragma(ctx context.Context, conn *sql.Conn, statement string) error {
	rows, err := conn.QueryContext(ctx, "PRAGMA "+statement)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		continue // what it says is of no interest
	}
	return rows.Err()
}
