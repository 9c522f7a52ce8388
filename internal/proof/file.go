package proof

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// Proven is what a proof has shown.
type Proven struct {
	VIN        string
	Vehicle    event.VehicleID
	From, To   event.Time
	Checkpoint Checkpoint
	Heartbeats []ProvenHeartbeat // in the order of the log
}

// ProvenHeartbeat is a heartbeat that is in the log.
type ProvenHeartbeat struct {
	event.Heartbeat
	ID event.ID
}

// maxFile bounds the bytes of a proof that is read.
const maxFile = 256 << 20

// leafOfBatch is the leaf of a batch by its bytes.
func leafOfBatch(batch []byte) tlog.Hash {
	sum := sha256.Sum256(batch)
	return tlog.RecordHash(sum[:])
}

// VerifyFile reads a proof and checks it with nothing but the public key. Its error names the first batch that does not
// fit.
func VerifyFile(r io.Reader, public note.Verifier) (Proven, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Proven{}, fmt.Errorf("reading the proof: %w", err)
	}
	if len(data) > maxFile {
		return Proven{}, fmt.Errorf("the proof is longer than %d MiB", maxFile>>20)
	}
	var p client.Proof
	if err := json.Unmarshal(data, &p, json.RejectUnknownMembers(true)); err != nil {
		return Proven{}, fmt.Errorf("this is no proof of Fleetbeat: %w", err)
	}
	return Verify(&p, public)
}

// Verify is VerifyFile for a proof that is read already.
func Verify(p *client.Proof, public note.Verifier) (Proven, error) {
	proven := Proven{
		VIN: p.VIN, Vehicle: event.VehicleID(p.Vehicle), From: event.At(p.From.Time), To: event.At(p.To.Time),
	}
	if p.Format != client.ProofFormat {
		return proven, fmt.Errorf("the proof has the format %.40q; this program knows %s", p.Format, client.ProofFormat)
	}
	keys := []note.Verifier{public}
	text, _, err := openNote([]byte(p.Identity), keys)
	if err != nil {
		return proven, fmt.Errorf("the identity of the vehicle %w", err)
	}
	if text != identity(proven.Vehicle, p.VIN) {
		return proven, fmt.Errorf("the identity of the vehicle is not that of %.64q, number %d", p.VIN, p.Vehicle)
	}
	if proven.Checkpoint, err = OpenCheckpoint([]byte(p.Checkpoint), keys...); err != nil {
		return proven, err
	}
	before := uint64(0)
	for i := range p.Batches {
		b := &p.Batches[i]
		if b.Position <= before {
			return proven, fmt.Errorf("position %d stands behind position %d", b.Position, before)
		}
		before = b.Position
		if err := proven.add(b); err != nil {
			return proven, fmt.Errorf("position %d: %w", b.Position, err)
		}
	}
	return proven, nil
}

// add checks a batch and takes over its heartbeats.
func (p *Proven) add(b *client.ProvenBatch) error {
	if b.Position > uint64(p.Checkpoint.Size) {
		return fmt.Errorf("the checkpoint covers %d positions only", p.Checkpoint.Size)
	}
	path := make(tlog.RecordProof, len(b.Path))
	for i, hash := range b.Path {
		if len(hash) != tlog.HashSize {
			return errors.New("a hash of its path is not of 32 bytes")
		}
		path[i] = tlog.Hash(hash)
	}
	if tlog.CheckRecord(path, int64(p.Checkpoint.Size), p.Checkpoint.Root, int64(b.Position)-1, leafOfBatch(b.Batch)) != nil {
		return errors.New("the batch is not the one that was signed")
	}
	s, err := eventlog.Decode(b.Batch)
	if err != nil {
		return err
	}
	if uint64(s.Position) != b.Position {
		return fmt.Errorf("the batch says that it is at position %d", s.Position)
	}
	mine := ofVehicle(&s.Heartbeats, p.Vehicle, p.From, p.To)
	if len(mine) == 0 || !slices.Equal(mine, b.Heartbeats) {
		return fmt.Errorf("the vehicle's heartbeats in it are %v, not %v", mine, b.Heartbeats)
	}
	for _, i := range mine {
		p.Heartbeats = append(p.Heartbeats, ProvenHeartbeat{s.Heartbeats.At(i), event.ID{Position: s.Position, Index: uint32(i)}})
	}
	return nil
}
