package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/proof"
)

type verifyCommand struct {
	Path       string   `arg:"" optional:"" help:"Data folder, copy of a log, or file made by fleetbeat prove; default: the folder of --data." type:"path"`
	Data       string   `help:"Folder of the server; it may be running." default:"fleetbeat-data" type:"path"`
	Key        string   `help:"Public key, or a file that holds it; for a folder, default: the one that lies in it."`
	Checkpoint []string `help:"File with a signed checkpoint that was kept elsewhere, which a folder must fit too; may be repeated." type:"path"`
	JSON       bool     `name:"json" help:"Print what was found as JSON."`
}

// Help is shown below the flags.
func (verifyCommand) Help() string {
	return `A folder is read as a whole: every checksum, the chain of hashes, and the signed checkpoints beside it must fit; the first position that does
not is named. A proof file is checked with the public key alone, which must be given. Nothing is changed.

Exit codes: 0 all fits and is signed; 1 something does not fit, or could not be read; 2 the command line is wrong; 3 what is there fits, but
batches are lost to damage, or nothing is signed.`
}

// errIncomplete is what gives exitIncomplete.
var errIncomplete = errors.New("what is there fits, and it is not all signed or not all there")

func (c *verifyCommand) Run(t *terminal) error {
	path := c.Path
	if path == "" {
		path = c.Data
	}
	info, err := os.Stat(path)
	if err != nil {
		return usageError{err}
	}
	key, err := readKey(c.Key)
	if err != nil {
		return usageError{err}
	}
	if !info.IsDir() {
		return c.file(t, path, key)
	}
	f := proof.Folder{Dir: path, Key: key}
	for _, name := range c.Checkpoint {
		signed, err := os.ReadFile(name)
		if err != nil {
			return usageError{err}
		}
		f.Checkpoints = append(f.Checkpoints, signed)
	}
	report, err := proof.VerifyFolder(f)
	if err != nil {
		return err
	}
	return c.folder(t, path, report)
}

// readKey reads a public key, or the last line of a file that holds some. None is nil.
func readKey(given string) (note.Verifier, error) {
	if given == "" {
		return nil, nil
	}
	text, err := os.ReadFile(given)
	if err != nil {
		return proof.ParseKey(given)
	}
	lines := strings.Fields(string(text))
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s holds no key", given)
	}
	return proof.ParseKey(lines[len(lines)-1])
}

// verifiedFolder is the report of a folder as JSON.
type verifiedFolder struct {
	Path     string           `json:"path"`
	Result   string           `json:"result"` // fits, incomplete, does not fit
	First    uint64           `json:"first"`
	Last     uint64           `json:"last"`
	Batches  uint64           `json:"batches"`
	Signed   uint64           `json:"signed"` // up to this position
	SignedBy string           `json:"signed_by,omitempty"`
	KeyGiven bool             `json:"key_given"`
	Position *uint64          `json:"position,omitempty"` // the first that does not fit; 0: at no position
	Reason   string           `json:"reason,omitempty"`
	Lost     []event.Position `json:"lost,omitempty"` // the first 1,000
	LostMore uint64           `json:"lost_more,omitempty"`
	Notes    []string         `json:"notes,omitempty"`
}

func (c *verifyCommand) folder(t *terminal, path string, r proof.FolderReport) error {
	said := verifiedFolder{
		Path: path, Result: "fits", First: uint64(r.First), Last: uint64(r.Last), Batches: r.Batches, Signed: uint64(r.Signed),
		SignedBy: r.SignedBy, KeyGiven: c.Key != "", Lost: r.Lost, LostMore: r.LostMore, Notes: r.Notes,
	}
	var result error
	switch {
	case r.Finding != nil:
		position := uint64(r.Finding.Position)
		said.Result, said.Position, said.Reason = "does not fit", &position, r.Finding.Reason
		result = fmt.Errorf("%s DOES NOT FIT at position %d: %s", filepath.Base(path), position, r.Finding.Reason)
		if position == 0 {
			result = fmt.Errorf("%s DOES NOT FIT: %s", filepath.Base(path), r.Finding.Reason)
		}
	case len(r.Lost) > 0 || r.Signed == 0:
		said.Result, result = "incomplete", errIncomplete
	}
	if c.JSON {
		return errors.Join(json.NewEncoder(t.out).Encode(said), result)
	}
	fmt.Fprintf(t.out, "%d batches read, positions %d to %d\n", r.Batches, r.First, r.Last)
	for _, n := range r.Notes {
		fmt.Fprintf(t.out, "note: %s\n", n)
	}
	if len(r.Lost) > 0 {
		fmt.Fprintf(t.out, "%d batches are lost to damage, as the log says itself, the first at position %d\n", uint64(len(r.Lost))+r.LostMore, r.Lost[0])
	}
	if r.Signed == 0 {
		fmt.Fprintln(t.out, "NOTHING IS SIGNED here: checksums and the chain of hashes alone were checked")
	} else {
		fmt.Fprintf(t.out, "positions %d to %d are what %s signed\n", r.First, r.Signed, r.SignedBy)
	}
	if r.Signed > 0 && c.Key == "" {
		fmt.Fprintln(t.out, "the key is the one that lies in the folder: give --key with one that was kept elsewhere, to be sure whose it is")
	}
	if r.Finding == nil && r.Last > r.Signed && r.Signed > 0 {
		fmt.Fprintf(t.out, "%d batches behind it are not signed yet\n", r.Last-r.Signed)
	}
	return result
}

// verifiedFile is what a proof has shown, as JSON.
type verifiedFile struct {
	Path       string              `json:"path"`
	VIN        string              `json:"vin"`
	Vehicle    event.VehicleID     `json:"vehicle"`
	From       client.Time         `json:"from"`
	To         client.Time         `json:"to"`
	SignedBy   string              `json:"signed_by"`
	Signed     uint64              `json:"signed"`
	Heartbeats []verifiedHeartbeat `json:"heartbeats"`
}

type verifiedHeartbeat struct {
	ID         string      `json:"id"`
	ReceivedAt client.Time `json:"received_at"`
	SentAt     client.Time `json:"sent_at"`
	Sequence   *int64      `json:"sequence"`
}

func (c *verifyCommand) file(t *terminal, path string, key note.Verifier) error {
	if key == nil {
		return usageError{errors.New("a proof is checked by a public key: give it by --key")}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	proven, err := proof.VerifyFile(f, key)
	if err != nil {
		return fmt.Errorf("%s PROVES NOTHING: %w", filepath.Base(path), err)
	}
	said := verifiedFile{
		Path: path, VIN: proven.VIN, Vehicle: proven.Vehicle, From: client.At(proven.From.Std()), To: client.At(proven.To.Std()),
		SignedBy: proven.Checkpoint.Origin, Signed: uint64(proven.Checkpoint.Size), Heartbeats: []verifiedHeartbeat{},
	}
	for _, h := range proven.Heartbeats {
		v := verifiedHeartbeat{ID: h.ID.String(), ReceivedAt: client.At(h.ReceivedAt.Std())}
		if h.SentAt != 0 {
			v.SentAt = client.At(h.SentAt.Std())
		}
		if h.Sequence != event.NoSequence {
			v.Sequence = &h.Sequence
		}
		said.Heartbeats = append(said.Heartbeats, v)
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(said)
	}
	for _, h := range said.Heartbeats {
		fmt.Fprintf(t.out, "received %s, id %s\n", h.ReceivedAt, h.ID)
	}
	fmt.Fprintf(t.out, "%d heartbeats of %s, vehicle %d, are in the log of %d batches that %s signed\n",
		len(said.Heartbeats), said.VIN, said.Vehicle, said.Signed, said.SignedBy)
	return nil
}
