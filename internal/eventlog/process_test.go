package eventlog

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// childDir names the folder on which this test binary, started by itself, acts as a second process.
const childDir = "EVENTLOG_TEST_CHILD_DIR"

// child is a second process that runs one of the tests named TestChild.
func child(t *testing.T, test, dir string, wrap ...string) *exec.Cmd {
	t.Helper()
	args := append(wrap, os.Args[0], "-test.run=^"+test+"$", "-test.count=1")
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	return cmd
}

func childOnly(t *testing.T) (dir string) {
	t.Helper()
	dir = os.Getenv(childDir)
	if dir == "" {
		t.Skip("is a part of other tests")
	}
	return dir
}

func TestChildOpens(t *testing.T) {
	_, err := Open(t.Context(), Config{Dir: childOnly(t)})
	fmt.Println("locked:", errors.Is(err, ErrLocked), err)
}

func TestSecondProcessIsKeptOff(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	out, err := child(t, "TestChildOpens", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "locked: true the log folder is in use by another process: " + dir + "\n"; !strings.Contains(string(out), want) {
		t.Fatalf("the second process said %q", out)
	}
}

// acknowledged is how many batches TestChildAppends writes: big ones, so that the log rolls to new blocks.
const acknowledged = 5

func TestChildAppends(t *testing.T) {
	l := open(t, childOnly(t))
	for i, b := range large(1, acknowledged) {
		if _, err := l.Append(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("acknowledged %d\n", i+1)
	}
}

// TestSyncPrecedesTheAnswer watches the system calls of a process that appends: before each acknowledgement the block
// was synced after its last write, and the folder of the blocks after a new block appeared in it.
func TestSyncPrecedesTheAnswer(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed: the order of sync and answer is not checked")
	}
	dir := t.TempDir()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := child(t, "TestChildAppends", dir, strace, "-f", "-y", "-qq", "-o", trace, "-s", "40",
		"-e", "trace=openat,pwrite64,write,fsync,fdatasync")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v: %.200s", err, out)
	}
	answers := checkTrace(t, trace, msgsDir(filepath.Join(dir, storeName)))
	if answers != acknowledged {
		t.Fatalf("the trace shows %d acknowledgements of %d", answers, acknowledged)
	}
	blocks, err := listBlocks(msgsDir(filepath.Join(dir, storeName)))
	if err != nil || len(blocks) < 2 {
		t.Fatalf("no new block was begun: %v, %v", blocks, err)
	}
}

var (
	tracedCreate = regexp.MustCompile(`openat\(.*"([^"]*\.blk)", [^)]*O_CREAT`)
	tracedWrite  = regexp.MustCompile(`p?write(?:64)?\(\d+<([^>]*\.blk)>`)
	tracedSync   = regexp.MustCompile(`f(?:data)?sync\(\d+<([^>]*)>\)\s*= 0`)
	tracedResume = regexp.MustCompile(`^(\d+) .*<\.\.\. f(?:data)?sync resumed>\)\s*= 0`)
	tracedBegin  = regexp.MustCompile(`^(\d+) .*f(?:data)?sync\(\d+<([^>]*)> <unfinished`)
)

// checkTrace gives the number of acknowledgements in a trace, all of which came after the syncs they need.
func checkTrace(t *testing.T, path, blocksDir string) (answers int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unsynced := map[string]bool{}
	syncing := map[string]string{} // thread to file
	written := 0
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if m := tracedCreate.FindStringSubmatch(line); m != nil && filepath.Dir(m[1]) == blocksDir {
			unsynced[blocksDir] = true
		}
		if m := tracedWrite.FindStringSubmatch(line); m != nil {
			unsynced[m[1]] = true
			written++
		}
		if m := tracedSync.FindStringSubmatch(line); m != nil {
			delete(unsynced, m[1])
		}
		if m := tracedBegin.FindStringSubmatch(line); m != nil {
			syncing[m[1]] = m[2]
		}
		if m := tracedResume.FindStringSubmatch(line); m != nil {
			delete(unsynced, syncing[m[1]])
		}
		if strings.Contains(line, `"acknowledged `) {
			answers++
			if len(unsynced) > 0 || written < answers {
				t.Fatalf("acknowledgement %d came after %d writes, not yet synced: %v", answers, written, unsynced)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return answers
}

func TestChildAppendsUntilKilled(t *testing.T) {
	l := open(t, childOnly(t))
	for at := l.LastTime(); ; at++ {
		b := event.Batch{Entries: []event.Entry{{ReceivedAt: at, Fact: event.Canary{Door: "http"}}}}
		position, err := l.Append(t.Context(), &b)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("acknowledged", position)
	}
}

func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 8 {
		cmd := child(t, "TestChildAppendsUntilKilled", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var last event.Position
		killAfter := 1 + rnd.IntN(40)
		for lines, n := bufio.NewScanner(out), 1; lines.Scan(); n++ {
			if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d", &last); err != nil {
				t.Fatalf("the process said %q", lines.Text())
			}
			if n == killAfter {
				_ = cmd.Process.Kill() // what it still said is in the pipe
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process ended by itself")
		}
		if report, err := Read(dir, 1, nil); err != nil || report.Last < last || report.Batches != uint64(report.Last) {
			t.Fatalf("acknowledged were %d batches, read %+v, %v", last, report, err)
		}
	}
	l := open(t, dir)
	if l.Epoch() != 9 || len(l.Damages()) > 0 {
		t.Fatalf("epoch %d, damages %v", l.Epoch(), l.Damages())
	}
}

func TestNewerFolderIsRefusedAndNotTouched(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	appendAll(t, l, history(1, 3, 3))
	closeLog(t, l)
	write(t, filepath.Join(dir, formatName), []byte(formatText(folderFormat+1)))
	before := fingerprint(t, dir)
	if _, err := Open(t.Context(), Config{Dir: dir}); !errors.Is(err, ErrNewerFormat) {
		t.Fatal(err)
	}
	if _, err := Read(dir, 1, nil); !errors.Is(err, ErrNewerFormat) {
		t.Fatal(err)
	}
	if after := fingerprint(t, dir); after != before {
		t.Fatalf("the folder was changed:\n%s\n%s", before, after)
	}
}

func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	var files strings.Builder
	o := original{dir: dir}
	for _, file := range o.files(t) {
		fmt.Fprintf(&files, "%s %x\n", file, read(t, filepath.Join(dir, file)))
	}
	return files.String()
}

func TestFolderThatCannotBeMadeIsOneClearLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	_, err := Open(t.Context(), Config{Dir: filepath.Join(file, "log"), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), file) {
		t.Fatal(err)
	}
}

func TestFullDiskIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	l, err := Open(t.Context(), Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Reserve: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeLog(t, l) })
	batches := history(1, 2, 2)
	if _, err := l.Append(t.Context(), &batches[0]); !errors.Is(err, ErrNoSpace) || errors.Is(err, ErrBroken) {
		t.Fatal(err)
	}
	l.config.Reserve = 1 // there is room again
	appendAll(t, l, batches)
	if got := follow(t, l, 1, 2); got[1].Position != event.Position(2) {
		t.Fatal(got)
	}
}
