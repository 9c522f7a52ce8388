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
)

// findings are what a look at the folder's files gave.
type findings struct {
	format  int
	head    head // where the log ends; epoch: the last one used
	block   int  // the newest
	damages []Damage
	// store: the store itself is damaged, and must not be used as it is.
	store bool
	// unfinished is a write at the end that was cut off and never acknowledged.
	unfinished *region
	fresh      bool // nothing was ever stored here
}

// maxDamages bounds the damages that are kept in detail.
const maxDamages = 1000

func (f *findings) note(d Damage) {
	if len(f.damages) < maxDamages {
		f.damages = append(f.damages, d)
	}
}

func (f *findings) noteStore(d Damage) {
	f.store = true
	f.note(d)
}

// inspect reads everything in the folder, and changes nothing.
func inspect(dir string) (*findings, error) {
	f := &findings{}
	headPath, formatPath, storeDir := filepath.Join(dir, headName), filepath.Join(dir, formatName), filepath.Join(dir, storeName)
	var err error
	f.format, err = readFormat(dir)
	if errors.Is(err, errBadFormat) {
		f.note(Damage{File: formatPath, Reason: err.Error()})
	} else if err != nil {
		return nil, err
	}
	said, intact, err := readHead(headPath)
	if err != nil {
		return nil, err
	}
	s := &stitcher{head: said, headFile: headPath, note: func(d Damage) {
		if d.File == headPath {
			f.note(d)
		} else {
			f.noteStore(d)
		}
	}}
	if err := scanBlocks(msgsDir(storeDir), s.add); err != nil {
		return nil, err
	}
	if f.unfinished, err = s.finish(msgsDir(storeDir)); err != nil {
		return nil, err
	}
	started := said.position > 0 || s.count > 0
	complete := f.format > 0 || len(f.damages) > 0 || started
	f.fresh = !complete
	if !complete {
		return f, nil
	}
	if f.format == 0 && exists(formatPath) == false {
		f.note(Damage{File: formatPath, Reason: "the format file is missing"})
	}
	if intact < 2 {
		f.note(Damage{File: headPath, Reason: fmt.Sprintf("%d of 2 slots of the log's head can be read", intact)})
	}
	if reason := checkMeta(streamDir(storeDir)); reason != nil {
		f.noteStore(Damage{File: filepath.Join(streamDir(storeDir), server.JetStreamMetaFile), Reason: reason.Error()})
	}
	return f, f.end(s, said)
}

// end fills in where the log ends.
func (f *findings) end(s *stitcher, said head) error {
	f.head = head{position: s.held.header.number, link: s.held.link, end: said.end, epoch: max(said.epoch, s.epoch)}
	if s.held.batch == nil {
		return nil
	}
	last, err := decodeBatch(s.held.batch)
	if err != nil {
		return fmt.Errorf("reading the last batch, %d: %w", s.held.header.number, err)
	}
	f.head.end = max(said.end, last.EndTime())
	return nil
}

// checkMeta checks JetStream's description of the stream against its checksum: without it JetStream would go on as if
// there had never been a stream.
func checkMeta(dir string) error {
	meta, err := os.ReadFile(filepath.Join(dir, server.JetStreamMetaFile))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(dir, server.JetStreamMetaFileSum))
	if err != nil {
		return err
	}
	key := sha256.Sum256([]byte(streamName))
	hash, err := highwayhash.New64(key[:])
	if err != nil {
		return err
	}
	_, _ = hash.Write(meta)
	if hex.EncodeToString(hash.Sum(nil)) != string(sum) {
		return errors.New("the stream's description does not match its checksum")
	}
	return nil
}

// prepare leaves a folder whose every file is verified, for the server to start on.
func (l *Log) prepare() (*findings, error) {
	f, err := inspect(l.config.Dir)
	if err != nil {
		return nil, err
	}
	if len(f.damages) > 0 {
		return nil, &DamageError{f.damages[0]}
	}
	return f, nil
}
