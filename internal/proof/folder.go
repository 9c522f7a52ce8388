package proof

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// Folder says what to check a log against.
type Folder struct {
	Dir         string        // a data folder, or a copy of nothing but the log
	Key         note.Verifier // nil: the keys that lie in the folder, which whoever changed the log may have changed too
	Checkpoints [][]byte      // further signed checkpoints, kept elsewhere
}

// Finding is the first thing that does not fit.
type Finding struct {
	Position event.Position // 0 when it is at no position
	Reason   string
}

// FolderReport says what the check of a log found.
type FolderReport struct {
	First, Last event.Position // of the log; 0 when there was none
	Batches     uint64
	Signed      event.Position // the newest checkpoint that was held against the log; 0: none
	SignedBy    string         // the key of that checkpoint
	Finding     *Finding       // nil: all fits
	Lost        []event.Position
	LostMore    uint64   // positions beyond those in Lost
	Notes       []string // what is not as it should be, and is no fault of the log
}

// maxLost bounds the lost positions that are listed.
const maxLost = 1000

// VerifyFolder reads a whole log, checks the checksum and the place of every batch and the chain of hashes, and holds it
// against signed checkpoints; the leaves of the tree stand for what was dropped from its beginning. It changes nothing and
// may run beside a server. Its error says that it could not be done.
func VerifyFolder(f Folder) (FolderReport, error) {
	c := &check{}
	if err := c.readCheckpoints(f); err != nil || c.report.Finding != nil {
		return c.report, err
	}
	if err := c.readLeaves(filepath.Join(f.Dir, FolderName)); err != nil {
		return c.report, err
	}
	if c.leaves != nil {
		defer c.leaves.Close()
	}
	read, err := eventlog.ReadBytes(f.Dir, 1, c.batch)
	c.report.First, c.report.Last, c.report.Batches = read.First, read.Last, read.Batches
	damage, damaged := errors.AsType[*eventlog.DamageError](err)
	switch {
	case errors.Is(err, errMisfit):
	case damaged:
		c.misfit(damage.Damage.Position, damage.Damage.String())
	case err != nil:
		return c.report, err
	case len(c.open) > 0:
		c.misfit(read.Last+1, fmt.Sprintf("the log ends, and %d batches were signed", c.open[len(c.open)-1].Size))
	}
	return c.report, nil
}

// FolderName is the name of the folder of proof in a data folder.
const FolderName = "proof"

// errMisfit ends the reading at a finding.
var errMisfit = errors.New("it does not fit")

// check is the check of one log.
type check struct {
	report FolderReport
	begun  bool         // the first batch was seen
	open   []Checkpoint // not yet reached, the smallest first
	tree   grown        // of the log as it is
	signed []tlog.Hash  // a stretch of the leaves that were signed
	leaves *os.File     // all of them, as they lie beside the log; nil: there are none
	known  int64        // how many of them were signed

	dropped event.Position // the last whose leaf stands for a batch that was dropped
}

func (c *check) misfit(position event.Position, reason string) {
	c.report.Finding = &Finding{position, reason}
}

// readCheckpoints reads all that the log must fit.
func (c *check) readCheckpoints(f Folder) error {
	dir := filepath.Join(f.Dir, FolderName)
	keys := []note.Verifier{f.Key}
	if f.Key == nil {
		var err error
		if keys, err = verifiers(dir); err != nil {
			return err
		}
	}
	signed := slices.Clone(f.Checkpoints)
	own, err := filepath.Glob(filepath.Join(dir, checkpointName+"*"))
	if err != nil {
		return fmt.Errorf("looking for checkpoints: %w", err)
	}
	for _, path := range own {
		if base := filepath.Base(path); f.Key != nil && base != checkpointName || base == checkpointName+".new" || base == checkpointName+".damaged" {
			continue // of an earlier key, or none
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading a checkpoint: %w", err)
		}
		signed = append(signed, text)
	}
	for _, text := range signed {
		checkpoint, err := OpenCheckpoint(text, keys...)
		if err != nil {
			c.misfit(0, err.Error())
			return nil
		}
		c.open = append(c.open, checkpoint)
	}
	slices.SortFunc(c.open, func(a, b Checkpoint) int { return int(int64(a.Size) - int64(b.Size)) })
	return nil
}

// readLeaves reads the leaves that lie beside the log. They are believed when their root was signed: then they tell of
// each batch whether it is the one that was signed.
func (c *check) readLeaves(dir string) error {
	if len(c.open) == 0 {
		return nil
	}
	newest := c.open[len(c.open)-1]
	file, err := os.Open(filepath.Join(dir, leavesName))
	if errors.Is(err, fs.ErrNotExist) {
		c.report.Notes = append(c.report.Notes, "the leaves of the tree are missing: a batch that does not fit cannot be named exactly")
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the leaves: %w", err)
	}
	c.leaves = file
	var tree grown
	for from := int64(0); from < int64(newest.Size); from += leafStretch {
		leaves, err := c.readStretch(from, int64(newest.Size))
		if err != nil {
			break
		}
		for _, leaf := range leaves {
			if err := tree.add(leaf); err != nil {
				return err
			}
		}
	}
	if tree.size == int64(newest.Size) {
		root, err := tree.root()
		if err != nil {
			return err
		}
		if root == newest.Root {
			c.known = tree.size
		}
	}
	if c.known == 0 {
		c.report.Notes = append(c.report.Notes, "the leaves of the tree are damaged: a batch that does not fit cannot be named exactly")
	}
	return nil
}

// leafStretch is how many leaves are read at once: a multiple of chunkSize.
const leafStretch = 16 * chunkSize

// begin takes the leaves of what is before the first batch of the log, in the place of what was dropped.
func (c *check) begin(first event.Position) error {
	c.begun = true
	if first == 1 {
		return nil
	}
	c.report.Notes = append(c.report.Notes, fmt.Sprintf("positions 1 to %d were dropped, and are not here", first-1))
	if len(c.open) == 0 {
		return nil
	}
	for from := int64(0); from < int64(first)-1; from += leafStretch {
		leaves, err := c.readStretch(from, int64(first)-1)
		if err != nil {
			c.misfit(first, "the log begins here, and the leaves of what was before cannot be read: it cannot be held against what was signed")
			return errMisfit
		}
		for i, leaf := range leaves {
			if err := c.grow(event.Position(from)+event.Position(i)+1, leaf); err != nil {
				return err
			}
		}
	}
	c.dropped = first - 1
	return nil
}

// readStretch reads the leaves from one on, before another.
func (c *check) readStretch(from, to int64) ([]tlog.Hash, error) {
	if c.leaves == nil {
		return nil, fs.ErrNotExist
	}
	return readLeaves(c.leaves, from, min(from+leafStretch, to))
}

// batch checks one batch of the log.
func (c *check) batch(b eventlog.Bytes) error {
	if !c.begun {
		if err := c.begin(b.Position); err != nil {
			return err
		}
	}
	leaf := leafOf(b)
	if want, known, err := c.leafAt(b.Position); err != nil {
		return err
	} else if known && b.HashKnown && want != leaf {
		c.misfit(b.Position, "it is not the batch that was signed")
		return errMisfit
	} else if known {
		leaf = want
	}
	if b.Lost {
		c.lost(b.Position)
	}
	return c.grow(b.Position, leaf)
}

// grow adds a leaf to the tree, and holds the tree against the checkpoints of its size.
func (c *check) grow(position event.Position, leaf tlog.Hash) error {
	if err := c.tree.add(leaf); err != nil {
		return err
	}
	for len(c.open) > 0 && c.open[0].Size == position {
		if err := c.reach(c.open[0]); err != nil {
			return err
		}
		c.open = c.open[1:]
	}
	return nil
}

// reach holds the log so far against a checkpoint.
func (c *check) reach(signed Checkpoint) error {
	root, err := c.tree.root()
	if err != nil {
		return err
	}
	if root != signed.Root {
		reason := fmt.Sprintf("the log up to here is not what %s signed", signed.Origin)
		if len(c.report.Lost) > 0 {
			reason += fmt.Sprintf(", or it cannot be told, as batches from position %d on are lost", c.report.Lost[0])
		}
		if c.dropped > 0 {
			reason += fmt.Sprintf(", or it cannot be told, as the leaves of what was dropped up to position %d are damaged", c.dropped)
		}
		c.misfit(signed.Size, reason)
		return errMisfit
	}
	c.report.Signed, c.report.SignedBy = signed.Size, signed.Origin
	return nil
}

func (c *check) lost(position event.Position) {
	if len(c.report.Lost) < maxLost {
		c.report.Lost = append(c.report.Lost, position)
	} else {
		c.report.LostMore++
	}
}

// leafAt is the leaf that was signed at a position, when it is known.
func (c *check) leafAt(position event.Position) (leaf tlog.Hash, known bool, err error) {
	n := int64(position) - 1
	if n >= c.known {
		return leaf, false, nil
	}
	if n%leafStretch == 0 || c.signed == nil {
		if c.signed, err = c.readStretch(n-n%leafStretch, c.known); err != nil {
			return leaf, false, fmt.Errorf("reading the leaves: %w", err)
		}
	}
	return c.signed[n%leafStretch], true, nil
}
