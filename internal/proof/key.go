package proof

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
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

const (
	formatStart = "fleetbeat proof, format "
	format      = 1 // that this code writes, and the newest it reads
)

// ErrNewer says that the folder was written by a newer version of Fleetbeat.
var ErrNewer = errors.New("the proof was written by a newer version of Fleetbeat")

// RefuseNewer is ErrNewer for a folder of proof that this program does not know. A folder that is missing, or does not
// say what it is, is none: what cannot be read of it is made anew.
func RefuseNewer(dir string) error {
	path := filepath.Join(dir, formatName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the format of the proof: %w", err)
	}
	rest, _ := strings.CutPrefix(string(text), formatStart)
	digits, _, _ := strings.Cut(rest, ",")
	if version, err := strconv.Atoi(digits); err == nil && version > format && string(formatText(version)) == string(text) {
		return fmt.Errorf("%w: %s says %d, this program reads up to %d", ErrNewer, path, version, format)
	}
	return nil
}

func formatText(version int) []byte {
	text := formatStart + strconv.Itoa(version)
	return fmt.Appendf(nil, "%s, crc32c %08x\n", text, crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)))
}

// key signs, and says with what its signatures are checked.
type key struct {
	signer   note.Signer
	verifier note.Verifier
	public   string // as it is shown: name+hash+key
}

// loadKey reads the key of a folder. It makes one when there is none; one that cannot be read is set aside for that, since
// a server without its key must still take heartbeats.
func loadKey(dir string, logger *slog.Logger) (key, error) {
	path := filepath.Join(dir, keyName)
	private, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return key{}, fmt.Errorf("reading the key: %w", err)
	}
	if err == nil {
		k, err := parsePrivate(strings.TrimSpace(string(private)))
		if err == nil {
			return k, publish(dir, k.public)
		}
		logger.Error("THE KEY OF THE PROOF IS DAMAGED and set aside: the log is signed by a new one from now on", "file", path, "error", err)
		if err := os.Rename(path, path+".damaged"); err != nil {
			return key{}, fmt.Errorf("setting a damaged key aside: %w", err)
		}
	}
	k, err := makeKey(dir)
	if err == nil {
		logger.Info("a key was made, by which the log can be checked: keep its public half elsewhere", "public_key", k.public)
	}
	return k, err
}

// parsePrivate reads a private key in the form of package note, and finds the public one that belongs to it.
func parsePrivate(private string) (key, error) {
	signer, err := note.NewSigner(private)
	if err != nil {
		return key{}, err
	}
	fields := strings.SplitN(private, "+", 5) // PRIVATE+KEY+name+hash+key
	seed, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return key{}, errors.New("it is no Ed25519 key")
	}
	public, err := note.NewEd25519VerifierKey(signer.Name(), ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey))
	if err != nil {
		return key{}, err
	}
	verifier, err := note.NewVerifier(public)
	return key{signer, verifier, public}, err
}

// publish puts a public key last into the folder's list of them.
func publish(dir, public string) error {
	all, err := publicKeys(dir)
	if err != nil || len(all) > 0 && all[len(all)-1] == public {
		return err
	}
	if err := writeFile(filepath.Join(dir, publicName), []byte(strings.Join(append(all, public), "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("writing the public key: %w", err)
	}
	return nil
}

// makeKey makes a key with a name of its own. Its public half is written first: a private one is never without.
func makeKey(dir string) (key, error) {
	var id [8]byte
	_, _ = rand.Read(id[:])
	private, _, err := note.GenerateKey(rand.Reader, "fleetbeat-"+hex.EncodeToString(id[:]))
	if err != nil {
		return key{}, fmt.Errorf("making a key: %w", err)
	}
	k, err := parsePrivate(private)
	if err != nil {
		return key{}, fmt.Errorf("making a key: %w", err)
	}
	if err := publish(dir, k.public); err != nil {
		return key{}, err
	}
	if err := writeFile(filepath.Join(dir, keyName), []byte(private+"\n"), 0o600); err != nil {
		return key{}, fmt.Errorf("writing the key: %w", err)
	}
	return k, nil
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
