package proof

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The names in the folder of proof.
const (
	formatName     = "FORMAT"     // the version of the folder's layout
	keyName        = "key"        // the private key, for its owner alone
	publicName     = "key.pub"    // the public keys, one a line, the newest last
	checkpointName = "checkpoint" // the newest signed checkpoint
	leavesName     = "leaves"
	nodesName      = "nodes"
)

const formatText = "fleetbeat proof, format 1\n"

// ErrNewer: the folder was written by a newer version of Fleetbeat.
var ErrNewer = errors.New("the proof was written by a newer version of Fleetbeat")

// RefuseNewer is ErrNewer for a folder of proof that this program does not know. A missing folder is none.
func RefuseNewer(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, formatName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("reading the format of the proof: %w", err)
	case string(text) != formatText:
		return fmt.Errorf("%w: %s says %.40q", ErrNewer, filepath.Join(dir, formatName), text)
	}
	return nil
}

// key signs, and says with what its signatures are checked.
type key struct {
	signer   note.Signer
	verifier note.Verifier
	public   string // as it is shown: name+hash+key
}

// loadKey reads the key of a folder, and makes one when there is none.
func loadKey(dir string) (_ key, made bool, err error) {
	path := filepath.Join(dir, keyName)
	private, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		k, err := makeKey(dir)
		return k, true, err
	}
	if err != nil {
		return key{}, false, fmt.Errorf("reading the key: %w", err)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(private)))
	if err != nil {
		return key{}, false, fmt.Errorf("%s is no key: move it away to go on with a new one", path)
	}
	all, err := publicKeys(dir)
	if err != nil {
		return key{}, false, err
	}
	for _, public := range all {
		if v, err := note.NewVerifier(public); err == nil && v.Name() == signer.Name() && v.KeyHash() == signer.KeyHash() {
			return key{signer, v, public}, false, nil
		}
	}
	return key{}, false, fmt.Errorf("%s lacks the key that belongs to %s", filepath.Join(dir, publicName), path)
}

// makeKey makes a key with a name of its own. Its public half is written first: a private one is never without.
func makeKey(dir string) (key, error) {
	var id [8]byte
	_, _ = rand.Read(id[:])
	private, public, err := note.GenerateKey(rand.Reader, "fleetbeat-"+hex.EncodeToString(id[:]))
	if err != nil {
		return key{}, fmt.Errorf("making a key: %w", err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return key{}, fmt.Errorf("making a key: %w", err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return key{}, fmt.Errorf("making a key: %w", err)
	}
	path := filepath.Join(dir, publicName)
	earlier, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return key{}, fmt.Errorf("reading the public keys: %w", err)
	}
	if err := writeFile(path, append(bytes.Clone(earlier), public+"\n"...), 0o644); err != nil {
		return key{}, fmt.Errorf("writing the public key: %w", err)
	}
	if err := writeFile(filepath.Join(dir, keyName), []byte(private+"\n"), 0o600); err != nil {
		return key{}, fmt.Errorf("writing the key: %w", err)
	}
	return key{signer, verifier, public}, nil
}

// publicKeys are the public keys of a folder, the newest last.
func publicKeys(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, publicName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the public keys: %w", err)
	}
	return strings.Fields(string(text)), nil
}

// ParseKey reads a public key as Fleetbeat shows it.
func ParseKey(public string) (note.Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(public))
	if err != nil {
		return nil, fmt.Errorf("%.100q is no public key: it looks like fleetbeat-0123456789abcdef+01234567+AbCd…=", public)
	}
	return v, nil
}

// writeFile makes a file appear under its name complete and durable, or not at all.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) { // with its mode, from before a crash
		return err
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary) // it may be all that fills the disk
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
