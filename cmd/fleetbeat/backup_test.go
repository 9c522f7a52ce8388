//go:build linux

package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// TestABackupUnderLoadAnswersAsTheServerDid backs up a server that takes heartbeats and registers vehicles all the while, puts
// the backup elsewhere, and asks both servers everything there is to ask of the time up to the backup.
func TestABackupUnderLoadAnswersAsTheServerDid(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir(), "--snapshot-every", "200ms", "--sign-every", "200ms")
	l := newLoad(t, s)
	l.start(t)
	waitAppended(t, s, 300)
	checkpoint, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.ProofKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(t.TempDir(), "backup")
	before := head(t, s.data)
	if p := run(t, nil, "backup", dir, "--data", s.data); p.code() != 0 {
		t.Fatalf("exit code %d", p.code())
	}
	if n := l.ended.Load(); n > 0 {
		t.Errorf("%d connections got no answer while the backup was made", n)
	}
	waitAppended(t, s, head(t, s.data)+100) // the server goes on, and has more to tell than the backup
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	l.running.Wait()

	data := filepath.Join(t.TempDir(), "restored")
	if p := run(t, nil, "restore", dir, "--data", data); p.code() != 0 {
		t.Fatalf("exit code %d", p.code())
	}
	if _, err := os.Stat(filepath.Join(data, "proof", "key")); err == nil {
		t.Error("the private key is in the backup, unasked")
	}
	first, last, proven := lastOf(t, data)
	if last < before || last >= head(t, s.data) || first != 1 {
		t.Errorf("the backup holds positions %d to %d, of a log that was at %d when it began and ends at %d", first, last, before, head(t, s.data))
	}
	registered := readNumbers(t, copyOf(t, data))
	_, err = eventlog.Read(data, 1, func(s event.Stored) error {
		for _, e := range s.Entries {
			if added, ok := e.Fact.(event.VehicleAdded); ok && registered[added.Vehicle] == "" {
				t.Errorf("position %d adds vehicle %d, which the registry beside it would give to another", s.Position, added.Vehicle)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if p := run(t, nil, "replay", "--data", data); p.code() != 0 || strings.Count(p.stderr.String(), " equals its snapshot") == 0 {
		t.Errorf("replay of what was restored: exit code %d, %s", p.code(), p.stderr)
	}
	kept := filepath.Join(t.TempDir(), "checkpoint")
	writeFile(t, kept, []byte(checkpoint))
	if p := run(t, nil, "verify", data, "--key", strings.TrimSpace(key), "--checkpoint", kept); p.code() != 0 {
		t.Errorf("the backup does not fit what was signed: exit code %d, %s", p.code(), p.stderr)
	}

	s.start(t)
	restored := serve(t, data)
	if newKey, err := restored.ProofKey(t.Context()); err != nil || newKey == key {
		t.Errorf("the restored server signs by %q, %v, without having the key", newKey, err)
	}
	compareUpTo(t, s, restored, proven)
	if p := run(t, nil, "verify", data, "--checkpoint", kept); p.code() != 0 {
		t.Errorf("what goes on from the backup does not fit what was signed before: exit code %d, %s", p.code(), p.stderr)
	}
	if code := restored.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	replayEquals(t, data, uint64(head(t, data)))
	if restored.stderr.Contains("level=WARN") || restored.stderr.Contains("level=ERROR") {
		t.Error("the restored server has something to complain of")
	}
}

// waitAppended returns when the log of a server has reached a position.
func waitAppended(t *testing.T, s *server, position event.Position) {
	t.Helper()
	eventually(t, "the log grows", func() error {
		if is := head(t, s.data); is < position {
			return fmt.Errorf("it is at %d, not %d", is, position)
		}
		return nil
	})
}

func head(t *testing.T, data string) event.Position {
	t.Helper()
	position, err := eventlog.HeadOf(data)
	if err != nil {
		t.Fatal(err)
	}
	return position
}

// lastOf reads the log of a folder: where it begins and ends, and the last proof in it after which something later stands.
func lastOf(t *testing.T, data string) (first, last event.Position, proven event.Time) {
	t.Helper()
	newest := event.Time(0)
	report, err := eventlog.Read(data, 1, func(s event.Stored) error {
		if newest < s.EndTime() {
			proven = max(proven, newest)
		}
		for _, e := range s.Entries {
			if _, ok := e.Fact.(event.Canary); ok {
				newest = e.ReceivedAt
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return report.First, report.Last, proven
}

// compareUpTo asks two servers the same of the time up to a moment.
func compareUpTo(t *testing.T, a, b *server, moment event.Time) {
	t.Helper()
	format := func(m event.Time) string { return m.Std().UTC().Format("2006-01-02T15:04:05.000Z") }
	at, from := "at="+format(moment), "from="+format(moment-event.Time(time.Hour/time.Millisecond))+"&to="+format(moment)
	calls := []string{
		"/v1/vehicles?limit=1000&" + at, "/v1/vehicles?presence=online&limit=1000&sort=-last_heartbeat_at&" + at, "/v1/summary?" + at,
		"/v1/grid/groups?" + at, "/v1/grid/vehicles?limit=1000&" + at, "/v1/policy",
		"/v1/transitions?limit=1000&" + strings.Replace(from, "&to=", "&until=", 1),
		"/v1/customers/" + newCustomer + "/uptime?" + from + "&known_at=" + format(moment),
	}
	var page struct{ Items []struct{ VIN string } }
	if err := json.Unmarshal([]byte(get(t, a.url+calls[0])), &page); err != nil || len(page.Items) < 100 {
		t.Fatalf("%d vehicles, %v", len(page.Items), err)
	}
	for i := range page.Items {
		if i%8 == 0 {
			vin := "/v1/vehicles/" + url.PathEscape(page.Items[i].VIN)
			calls = append(calls, vin+"/heartbeats?limit=1000&"+from, vin+"/heartbeats.csv?"+from, vin+"/proof?"+from,
				vin+"/connections?"+from+"&known_at="+format(moment), vin+"/uptime?"+from+"&known_at="+format(moment), vin+"/gaps?"+from+"&known_at="+format(moment))
		}
	}
	for _, call := range calls {
		if diff := cmp.Diff(timeless(t, get(t, a.url+call)), timeless(t, get(t, b.url+call))); diff != "" {
			t.Errorf("%s (-original +restored):\n%s", call, diff)
		}
	}
	const epoch = 8 // bytes of the grid that each start draws anew
	if !bytes.Equal([]byte(get(t, a.url+"/v1/grid?"+at))[epoch:], []byte(get(t, b.url+"/v1/grid?"+at))[epoch:]) {
		t.Error("the grids differ")
	}
}

// timeless is an answer without what differs between two servers, or two moments, by its meaning: how far each has read, and
// by which key it signs.
func timeless(t *testing.T, answer string) any {
	t.Helper()
	var members map[string]any
	if json.Unmarshal([]byte(answer), &members) != nil {
		return answer
	}
	for _, name := range []string{"position", "revision", "epoch", "checkpoint", "identity"} {
		delete(members, name)
	}
	batches, _ := members["batches"].([]any)
	for _, b := range batches {
		delete(b.(map[string]any), "path") // to a larger tree
	}
	return members
}

// TestABackupWithTheKeyGoesOnWithTheRecord moves a server that has stopped: the same key goes on signing the same tree.
func TestABackupWithTheKeyGoesOnWithTheRecord(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	liveThrough(t, s)
	key, err := s.ProofKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.stop(t)
	before := fingerprint(t, s.data)
	dir, data := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
	for _, args := range [][]string{{"backup", dir, "--with-key", "--data", s.data}, {"restore", dir, "--data", data}} {
		if p := run(t, nil, args...); p.code() != 0 {
			t.Fatalf("%v: exit code %d", args, p.code())
		}
	}
	if fingerprint(t, s.data) != before {
		t.Error("the backup has changed the data folder")
	}
	for _, folder := range []string{filepath.Join(dir, "data"), data} {
		if info, err := os.Stat(filepath.Join(folder, "proof", "key")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the key in %s: %v, %v", folder, info, err)
		}
	}
	signed := readFile(t, filepath.Join(s.data, "proof", "checkpoint"))
	restored := serve(t, data)
	if is, err := restored.ProofKey(t.Context()); err != nil || is != key {
		t.Errorf("it signs by %q, %v, not by %q", is, err, key)
	}
	restored.stop(t)
	kept := filepath.Join(t.TempDir(), "checkpoint")
	writeFile(t, kept, signed)
	if p := run(t, nil, "verify", data, "--key", strings.TrimSpace(key), "--checkpoint", kept); p.code() != 0 {
		t.Errorf("exit code %d, %s", p.code(), p.stderr)
	}
}

// TestADamagedBackupIsNamedAndNothingIsRestored flips a bit of each file of a backup in turn, cuts it, takes it away.
func TestADamagedBackupIsNamedAndNothingIsRestored(t *testing.T) {
	t.Parallel()
	const seed = 20261125
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	whole := filepath.Join(t.TempDir(), "backup")
	if p := run(t, nil, "backup", whole, "--data", livedIn(t)); p.code() != 0 {
		t.Fatalf("exit code %d", p.code())
	}
	var names []string
	err := fs.WalkDir(os.DirFS(whole), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) < 10 {
		t.Fatalf("%v, %v", names, err)
	}
	harms := []func(string) error{
		func(path string) error {
			data := readFile(t, path)
			bit := random.IntN(8 * len(data))
			data[bit/8] ^= 1 << (bit % 8)
			return os.WriteFile(path, data, 0o600)
		},
		func(path string) error { return os.Truncate(path, int64(random.IntN(len(readFile(t, path))))) },
		os.Remove,
	}
	for i, name := range names {
		if info, err := os.Stat(filepath.Join(whole, name)); err != nil || info.Size() == 0 {
			continue // such as the nodes of a small tree
		}
		for j, harm := range harms {
			if testing.Short() && (i+j)%len(harms) != 0 {
				continue
			}
			dir, data := copyOf(t, whole), filepath.Join(t.TempDir(), "data")
			if err := harm(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			refused(t, launch(t, nil, "restore", dir, "--data", data), 1, strings.TrimPrefix(name, "data/"))
			if _, err := os.Stat(data); err == nil {
				t.Errorf("harm %d to %s: the data folder was made", j, name)
			}
		}
	}
}

// TestWhatIsNoBackupAndNoPlaceForOneIsRefused tries what people do wrong.
func TestWhatIsNoBackupAndNoPlaceForOneIsRefused(t *testing.T) {
	t.Parallel()
	used, dir := livedIn(t), t.TempDir()
	backup, link, full := filepath.Join(dir, "backup"), filepath.Join(dir, "link"), filepath.Join(dir, "full")
	if err := errors.Join(os.Symlink(used, link), os.Mkdir(full, 0o700)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(full, "something"), nil)
	if p := run(t, nil, "backup", backup, "--data", used); p.code() != 0 {
		t.Fatalf("exit code %d", p.code())
	}
	newer := copyOf(t, backup)
	writeFile(t, filepath.Join(newer, "BACKUP"), signedLine(`{"format":2}`))
	outside := copyOf(t, backup)
	writeFile(t, filepath.Join(outside, "BACKUP"), signedLine(`{"format":1,"files":[{"name":"../evil","bytes":0}]}`))
	before := fingerprint(t, used)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"backup", filepath.Join(used, "backup"), "--data", used}, 1, "must be apart"},
		{[]string{"backup", filepath.Join(link, "backup"), "--data", used}, 1, "must be apart"},
		{[]string{"backup", filepath.Dir(used), "--data", used}, 1, "must be apart"},
		{[]string{"backup", full, "--data", used}, 1, "is not empty: " + full},
		{[]string{"backup", backup, "--data", used}, 1, "is not empty"},
		{[]string{"backup", filepath.Join(full, "something", "x"), "--data", used}, 1, "not a directory"},
		{[]string{"backup", dir + "/new", "--data", dir + "/nowhere"}, 2, "no such file"},
		{[]string{"backup", dir + "/new", "--data", full}, 1, "holds no log"},
		{[]string{"backup", smallDisk(t, 1<<20), "--data", used}, 1, "are to stay free"},
		{[]string{"backup"}, 2, "<dir>"},
		{[]string{"restore", dir + "/nowhere", "--data", dir + "/new"}, 2, "no such file"},
		{[]string{"restore", full, "--data", dir + "/new"}, 1, "BACKUP is missing"},
		{[]string{"restore", used, "--data", dir + "/new"}, 1, "BACKUP is missing"},
		{[]string{"restore", backup, "--data", used}, 1, "is not empty: " + used},
		{[]string{"restore", backup, "--data", backup + "/new"}, 1, "must be apart"},
		{[]string{"restore", newer, "--data", dir + "/new"}, 1, "written by a newer version"},
		{[]string{"restore", outside, "--data", dir + "/new"}, 1, "../evil"},
		{[]string{"restore", backup, "--data", smallDisk(t, 64<<10)}, 1, "no space left on device"},
	} {
		refused(t, launch(t, nil, c.args...), c.code, c.want)
		if _, err := os.Stat(dir + "/new"); err == nil {
			t.Errorf("%v: the folder was made", c.args)
		}
	}
	if fingerprint(t, used) != before {
		t.Error("the data folder has changed")
	}
}

// TestABackupOrRestoreThatIsKilledLeavesNothingThatStarts kills both in the middle.
func TestABackupOrRestoreThatIsKilledLeavesNothingThatStarts(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	liveThrough(t, s)
	killed := killInTheMiddle(t, "data", "BACKUP", func(dir string) []string { return []string{"backup", dir, "--data", s.data} })
	refused(t, launch(t, nil, "restore", killed, "--data", filepath.Join(t.TempDir(), "data")), 1, "BACKUP is missing")
	refused(t, launch(t, nil, "backup", killed, "--data", s.data), 1, "is not empty")

	backup := filepath.Join(t.TempDir(), "backup")
	if p := run(t, nil, "backup", backup, "--data", s.data); p.code() != 0 {
		t.Fatalf("exit code %d", p.code())
	}
	killed = killInTheMiddle(t, "RESTORING", "", func(dir string) []string { return []string{"restore", backup, "--data", dir} })
	before := fingerprint(t, killed)
	for _, args := range [][]string{{"serve", "--http", "127.0.0.1:0", "--data", killed}, {"restore", backup, "--data", killed}, {"backup", filepath.Join(t.TempDir(), "b"), "--data", killed}} {
		refused(t, launch(t, nil, args...), 1, "empty the folder")
	}
	if fingerprint(t, killed) != before {
		t.Error("the folder has changed")
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	replayEquals(t, s.data, uint64(head(t, s.data)))
}

// signedLine is a line with the line that says its checksum.
func signedLine(line string) []byte {
	return fmt.Appendf(nil, "%s\n%x\n", line, sha256.Sum256([]byte(line)))
}

// killInTheMiddle kills a program once it has made a file in a folder, and gives the folder; not when it has already made the
// file by which it is done, or has ended.
func killInTheMiddle(t *testing.T, begun, done string, args func(dir string) []string) string {
	t.Helper()
	for range 100 {
		dir := filepath.Join(t.TempDir(), "folder")
		p := launch(t, nil, args(dir)...)
		for p.running() {
			if _, err := os.Lstat(filepath.Join(dir, begun)); err == nil {
				break
			}
		}
		p.kill()
		_, notBegun := os.Lstat(filepath.Join(dir, begun))
		_, notDone := os.Lstat(filepath.Join(dir, done))
		if notBegun == nil && (done == "" || notDone != nil) {
			return dir
		}
	}
	t.Fatal("it was never killed in the middle")
	return ""
}
