package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Checkpoint says what the log holds up to a position. Two checkpoints of one size and different roots prove that there
// are two logs.
type Checkpoint struct {
	Origin string         // the name of the key
	Size   event.Position // how many batches the tree covers: the position of the last
	Root   tlog.Hash      // of the tree, after RFC 6962
}

// maxNote bounds the bytes of a signed note that is read.
const maxNote = 4 << 10

// maxSize bounds the size of a tree, so that no arithmetic on it overflows.
const maxSize = 1 << 48

// text is the checkpoint as it is signed: the body of a C2SP tlog-checkpoint.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// sign gives the checkpoint as a signed note.
func (c Checkpoint) sign(k key) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: c.text()}, k.signer)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint checks a signed checkpoint by one of some public keys, and reads it. Signatures by others beside are
// passed over, as those of witnesses may be.
func OpenCheckpoint(signed []byte, keys ...note.Verifier) (Checkpoint, error) {
	text, by, err := openNote(signed, keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint %w", err)
	}
	c, err := parseCheckpoint(text)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint %w", err)
	}
	if c.Origin != by {
		return Checkpoint{}, fmt.Errorf("the checkpoint of %.100q is signed by %s", c.Origin, by)
	}
	return c, nil
}

// openNote gives the text of a signed note and the name of the key that signed it.
func openNote(signed []byte, keys []note.Verifier) (text, by string, _ error) {
	if len(signed) > maxNote {
		return "", "", errors.New("is too long")
	}
	n, err := note.Open(signed, note.VerifierList(keys...))
	if err != nil {
		return "", "", fmt.Errorf("is not signed by this key (%w)", err)
	}
	return n.Text, n.Sigs[0].Name, nil
}

// parseCheckpoint reads what text wrote, and nothing else.
func parseCheckpoint(text string) (c Checkpoint, _ error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, errors.New("has not three lines")
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil || size == 0 || size > maxSize {
		return c, fmt.Errorf("has no size: %.40q", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return c, fmt.Errorf("has no root: %.80q", lines[2])
	}
	c = Checkpoint{Origin: lines[0], Size: event.Position(size), Root: tlog.Hash(root)}
	if c.text() != text {
		return c, errors.New("is not written as checkpoints are")
	}
	return c, nil
}

// identity is the text of the signed note that says which number a vehicle has in the log, which holds no VIN.
func identity(vehicle event.VehicleID, vin string) string {
	return fmt.Sprintf("fleetbeat vehicle\n%d\n%s\n", vehicle, vin)
}
