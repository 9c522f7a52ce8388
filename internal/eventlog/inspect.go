package eventlog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// findings are what a look at a folder gave.
type findings struct {
	format int
	fresh  bool // nothing was ever stored here
	said   head // what the second place says
	intact int  // how many of its slots can be read
	store  storeFindings
	// beside are the damages of the files beside the store: the format file and the head.
	beside []Damage
}

// storeFindings are what a look at a store gave.
type storeFindings struct {
	head       head     // where the store ends; its epoch is the highest seen
	batches    uint64   // how many can be read
	damages    []Damage // empty: the store can be used as it is
	more       uint64   // damages beyond maxDamages
	strange    []Damage // what the store has against the head file
	chosen     []bool   // which of the batches to take, when there is damage
	unfinished *region  // a write at the end that was cut off and never acknowledged
}

// maxDamages bounds the damages that are kept in detail.
const maxDamages = 1000

func (f *findings) damages() []Damage {
	return append(append([]Damage(nil), f.beside...), append(f.store.strange, f.store.damages...)...)
}

// inspect reads everything in the folder, and changes nothing.
func inspect(dir string) (*findings, error) {
	f := &findings{}
	var err error
	f.format, err = readFormat(dir)
	formatPath, headPath := filepath.Join(dir, formatName), filepath.Join(dir, headName)
	if errors.Is(err, errBadFormat) {
		f.beside = append(f.beside, Damage{File: formatPath, Reason: err.Error()})
	} else if err != nil {
		return nil, err
	}
	if f.said, f.intact, err = readHead(headPath); err != nil {
		return nil, err
	}
	storeDir := storePath(dir)
	if f.store, err = inspectStore(storeDir, f.said, headPath); err != nil {
		return nil, err
	}
	// The format file is written last when a folder is made: without it, and without any batch, there was never a log.
	if f.format == 0 && len(f.beside) == 0 {
		if f.said.position == 0 && f.store.batches == 0 {
			f.fresh = true
			return f, nil
		}
		f.beside = append(f.beside, Damage{File: formatPath, Reason: "the format file is missing"})
	}
	if f.intact < 2 {
		f.beside = append(f.beside, Damage{File: headPath, Reason: fmt.Sprintf("%d of its 2 slots can be read", f.intact)})
	}
	return f, nil
}

// inspectStore reads every block of a store and JetStream's description of the stream.
func inspectStore(storeDir string, said head, headPath string) (storeFindings, error) {
	f, err := stitchStore(storeDir, said, headPath, nil)
	if err != nil {
		return f, err
	}
	if len(f.damages) > 0 {
		chosen, err := longestChain(msgsDir(storeDir))
		if err != nil {
			return f, err
		}
		if f, err = stitchStore(storeDir, said, headPath, chosen); err != nil {
			return f, err
		}
	}
	if err := checkDescription(streamDir(storeDir)); err != nil {
		f.note(Damage{File: streamDir(storeDir), Reason: err.Error()})
	}
	return f, nil
}

func stitchStore(storeDir string, said head, headPath string, chosen []bool) (storeFindings, error) {
	f := storeFindings{chosen: chosen}
	s := stitcher{head: said, chosen: chosen, note: f.note, disown: func(position event.Position) {
		f.strange = append(f.strange, Damage{File: headPath, Position: position, Reason: "it is of another log"})
	}}
	s.begin()
	dir := msgsDir(storeDir)
	if err := scanBlocks(dir, s.add); err != nil {
		return f, err
	}
	var err error
	if f.unfinished, err = s.finish(dir); err != nil {
		return f, err
	}
	f.batches = s.count
	f.head = head{
		position: s.held.header.number, link: s.held.link, end: said.end, epoch: max(said.epoch, s.epoch),
		dropped: s.head.dropped, before: s.head.before,
	}
	if s.held.batch == nil {
		return f, nil
	}
	last, err := new(decoder).decode(s.held.batch)
	if err != nil {
		return f, fmt.Errorf("reading the last batch, %d: %w", s.held.header.number, err)
	}
	f.head.end = max(said.end, last.EndTime())
	return f, nil
}

func (f *storeFindings) note(d Damage) {
	if len(f.damages) < maxDamages {
		f.damages = append(f.damages, d)
	} else {
		f.more++
	}
}

// checkDescription checks JetStream's description of the stream against its checksum. With a damaged one JetStream
// would go on as if there had never been a stream.
func checkDescription(dir string) error {
	meta, err := os.ReadFile(filepath.Join(dir, server.JetStreamMetaFile))
	if err != nil {
		return fmt.Errorf("reading the stream's description: %w", err)
	}
	sum, err := os.ReadFile(filepath.Join(dir, server.JetStreamMetaFileSum))
	if err != nil {
		return fmt.Errorf("reading the stream's description: %w", err)
	}
	key := sha256.Sum256([]byte(streamName))
	hash, err := highwayhash.New64(key[:])
	if err != nil {
		return fmt.Errorf("keying the hash of the stream's description: %w", err)
	}
	_, _ = hash.Write(meta)
	if hex.EncodeToString(hash.Sum(nil)) != string(sum) {
		return errors.New("the stream's description does not match its checksum")
	}
	return nil
}
