//go:build linux

package main_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

// harm does something to a file.
func harm(t *testing.T, random *rand.Rand, path string) (what string, harmed []byte) {
	t.Helper()
	harmed = readFile(t, path)
	at := random.IntN(len(harmed))
	switch random.IntN(8) {
	case 0:
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return "deleted", nil
	case 1:
		what, harmed = fmt.Sprintf("cut to %d of %d bytes", at, len(harmed)), harmed[:at]
	case 2:
		what = fmt.Sprintf("page at %d zeroed", at/4096*4096)
		clear(harmed[at/4096*4096 : min(at/4096*4096+4096, len(harmed))])
	default:
		bit := random.IntN(8)
		what = fmt.Sprintf("bit %d of byte %d flipped", bit, at)
		harmed[at] ^= 1 << bit
	}
	writeFile(t, path, harmed)
	return what, harmed
}

// TestDamageIsSeen harms one file of a data folder at a time. The server then has everything, or says what it has not.
func TestDamageIsSeen(t *testing.T) {
	const seed = 20261124
	rounds := 150
	if testing.Short() {
		rounds = 40
	}
	t.Logf("seed %d, %d rounds each", seed, rounds)
	for name, crashed := range map[string]bool{"stopped": false, "crashed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			o := newOriginal(t, crashed)
			tally := map[string]int{}
			for range rounds {
				file := o.files[random.IntN(len(o.files))]
				folder := copyOf(t, o.folder)
				what, harmed := harm(t, random, filepath.Join(folder, file))
				verdict := o.judge(t, folder, file, what, harmed)
				tally[verdict]++
				if err := os.RemoveAll(folder); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%v", tally)
		})
	}
}

// TestWhatIsGoneIsSeen takes whole parts of a data folder away.
func TestWhatIsGoneIsSeen(t *testing.T) {
	o := newOriginal(t, false)
	const (
		same     = "everything as before"
		reported = "reported"
		refused  = "refused"
	)
	for _, c := range []struct{ gone, want string }{
		{"FORMAT", same},
		{"head", same},
		{"snapshots", same},
		{"snapshots head", same},
		{"registry.db-sums", same},
		{"log", reported},
		{"log snapshots", reported},
		{"log head FORMAT", reported},
		{"log head FORMAT snapshots", reported},
		{"registry.db", refused},
		{"registry.db snapshots", refused},
		{"registry.db registry.db-sums", refused},
		{"registry.db registry.db-sums snapshots", refused},
	} {
		t.Run(c.gone, func(t *testing.T) {
			folder := copyOf(t, o.folder)
			for name := range strings.FieldsSeq(c.gone) {
				if err := os.RemoveAll(filepath.Join(folder, name)); err != nil {
					t.Fatal(err)
				}
			}
			switch is := start(t, folder); {
			case is.err != nil:
				if said := is.err.Error(); c.want != refused || strings.Contains(said, "\n") || !strings.Contains(said, folder) {
					t.Errorf("want %s, got %v", c.want, is.err)
				}
			case c.want == same:
				if is.answers != o.answers || !is.repeat || is.position <= o.head {
					t.Errorf("repeat known %v, position %d after %d, the answers differ (-were +are):\n%s", is.repeat, is.position, o.head,
						cmp.Diff(strings.Split(o.answers, "\n"), strings.Split(is.answers, "\n")))
				}
			case c.want != reported || !strings.Contains(is.log, "the registry tells it everything again"):
				t.Errorf("want %s, the log says only: %s", c.want, is.log)
			}
		})
	}
}

// TestTheProgramSaysWhatIsDamaged shows the same at the command line: refused, repaired and told, told by replay.
func TestTheProgramSaysWhatIsDamaged(t *testing.T) {
	o := newOriginal(t, false)
	flip := func(t *testing.T, path string) {
		t.Helper()
		data := readFile(t, path)
		data[len(data)/2] ^= 1
		writeFile(t, path, data)
	}
	t.Run("registry", func(t *testing.T) {
		folder := copyOf(t, o.folder)
		path := filepath.Join(folder, "registry.db")
		flip(t, path)
		damaged := readFile(t, path)
		refused(t, launch(t, nil, "serve", "--http", "127.0.0.1:0", "--data", folder), 1, path, "the registry is damaged: page ", "at byte ")
		if !bytes.Equal(readFile(t, path), damaged) {
			t.Error("the registry has changed")
		}
	})
	t.Run("log", func(t *testing.T) {
		folder := copyOf(t, o.folder)
		blocks, err := filepath.Glob(filepath.Join(folder, "log/jetstream/*/streams/*/msgs/*.blk"))
		if err != nil || len(blocks) == 0 {
			t.Fatalf("there are no blocks: %v", err)
		}
		flip(t, blocks[0])
		damaged, before := readFile(t, blocks[0]), fingerprint(t, folder)
		refused(t, launch(t, nil, "replay", "--data", folder), 1, blocks[0], "damaged log: ", "position ")
		if fingerprint(t, folder) != before {
			t.Error("a replay has changed the folder")
		}
		s := serve(t, folder)
		if !s.stderr.Contains(`level=ERROR msg="the log is damaged" file=`) || !s.stderr.Contains(blocks[0]) {
			t.Errorf("the log says only: %s", s.stderr)
		}
		if answers, err := ask(t.Context(), s.url); err != nil || !strings.Contains(answers, "tractor-3") {
			t.Errorf("the server answers %s, %v", answers, err)
		}
		if code := s.stop(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if !keeps(t, folder, damaged) {
			t.Error("the damaged file was not kept")
		}
		replayEquals(t, folder, uint64(readContents(t, folder).Last))
	})
}

// judge starts a server on a damaged folder and checks that it does right.
func (o original) judge(t *testing.T, folder, file, what string, harmed []byte) (verdict string) {
	t.Helper()
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s: %s", file, what, fmt.Sprintf(format, args...))
	}
	began := time.Now()
	is := start(t, folder)
	if took := time.Since(began); took > patience/2 {
		fail("it took %v", took)
	}
	if is.err != nil {
		if said := is.err.Error(); strings.Contains(said, "\n") || !strings.Contains(said, folder) {
			fail("the error is no clear line: %s", said)
		}
		if !strings.HasPrefix(file, "registry.db") {
			fail("the server does not start: %v", is.err)
		}
		if now, err := os.ReadFile(filepath.Join(folder, file)); !bytes.Equal(now, harmed) || (err == nil) != (harmed != nil) {
			fail("refused, and not left as it is")
		}
		return "refused"
	}
	if is.position <= o.head {
		fail("position %d was used again", is.position)
	}
	lost := o.lost(t, folder, fail)
	replay, err := app.Replay(folder, nil)
	if err != nil || slices.ContainsFunc(replay.Compared, func(c app.Comparison) bool { return !c.Equal }) {
		fail("a replay gives %+v, %v", replay, err)
	}
	if is.answers == o.answers && lost == 0 && is.repeat {
		if is.log != "" {
			return "harmless, reported"
		}
		return "harmless"
	}
	if !strings.Contains(is.log, folder) {
		fail("%d batches are lost, a repeat is known: %v; the answers differ (-were +are):\n%s\nand the log says only: %s",
			lost, is.repeat, cmp.Diff(strings.Split(o.answers, "\n"), strings.Split(is.answers, "\n")), is.log)
	}
	if harmed != nil && !keeps(t, folder, harmed) {
		fail("the damaged file was not kept")
	}
	return "reported"
}

// lost counts the batches that the log does not hold any more. What it holds is what was written.
func (o original) lost(t *testing.T, folder string, fail func(string, ...any)) (lost int) {
	t.Helper()
	batches, _ := readBatches(t, folder)
	before := false
	for position := event.Position(1); position <= o.head; position++ {
		batch, ok := batches[position]
		isLost := false
		if len(batch.Entries) > 0 {
			_, isLost = batch.Entries[0].Fact.(event.Lost)
		}
		switch {
		case !ok:
			fail("position %d is missing", position)
		case isLost:
			lost++
		case !reflect.DeepEqual(batch, o.batches[position]):
			fail("position %d holds something else", position)
		}
		if isLost && !before && lost > 1 {
			fail("the batches lost are not side by side")
		}
		before = isLost
	}
	return lost
}

// keeps says whether a folder has a file of that content.
func keeps(t *testing.T, folder string, content []byte) (found bool) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			found = found || bytes.Equal(readFile(t, path), content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
