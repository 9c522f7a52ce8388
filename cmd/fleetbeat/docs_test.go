//go:build linux

package main_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// The documents are run: every block marked sh is a script, and the block behind it, when it is marked http, json or text,
// is its answer. Answers are compared in shape: statuses, headers, names of members, and words.

const root = "../.." // of the module

// document is a text for people.
type document struct {
	name  string // from the root of the module
	text  string
	block []block
}

// block is a fenced block of a document.
type block struct {
	kind, text string
	line       int
}

// documents are the README and everything in docs.
func documents(t *testing.T) (all []document) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, document{name, string(text), blocksOf(string(text))})
	}
	return all
}

func documentAt(t *testing.T, name string) document {
	t.Helper()
	all := documents(t)
	i := slices.IndexFunc(all, func(d document) bool { return d.name == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return all[i]
}

func blocksOf(text string) (blocks []block) {
	inside := false
	line := 0
	for l := range strings.Lines(text) {
		line++
		kind, fence := strings.CutPrefix(l, "```")
		switch {
		case fence && !inside:
			inside = true
			blocks = append(blocks, block{kind: strings.TrimSpace(kind), line: line})
		case fence:
			inside = false
		case inside:
			blocks[len(blocks)-1].text += l
		}
	}
	return blocks
}

func TestWhatTheDocumentsTellToTypeWorks(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the documents use curl, which is not installed")
	}
	for _, d := range documents(t) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, t.TempDir())
			liveThrough(t, s)
			s.stop(t) // there is a snapshot and a gap from now on
			s.start(t)
			eventually(t, "the gap has ended", func() error {
				gaps, err := s.Gaps(t.Context())
				if err == nil && len(gaps.Items) == 0 {
					err = errors.New("it has not")
				}
				return err
			})
			shell := shell{server: s, dir: t.TempDir()}
			for i, b := range d.block {
				if b.kind != "sh" {
					continue
				}
				var answer block
				if i+1 < len(d.block) && slices.Contains([]string{"http", "json", "text"}, d.block[i+1].kind) {
					answer = d.block[i+1]
				}
				t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) { shell.do(t, b.text, answer) })
			}
		})
	}
}

// shell types what a document says, at a server with a few vehicles.
type shell struct {
	server *server
	dir    string
}

func (s *shell) do(t *testing.T, script string, answer block) {
	t.Helper()
	script = strings.ReplaceAll(script, "bin/fleetbeat", "fleetbeat")
	switch {
	case regexp.MustCompile(`(?m)^(make|git|go|docker|sudo|fleetbeat (demo|simulate|bench|page)) `).MatchString(script):
		return // their own tests show them, or CI does, or make test-deploy
	case strings.HasPrefix(script, "fleetbeat serve "):
		serve(t, t.TempDir(), serveFlags(script)...).stop(t)
	case strings.Contains(script, "/v1/live"):
		s.follow(t, script, answer)
	default:
		compareAnswers(t, s.run(t, script, answer.kind), answer)
	}
}

// serveFlags are the flags of a command line, without those that the harness sets.
func serveFlags(command string) (flags []string) {
	// Nobody is to be called by a test, and at that port nobody answers.
	command = strings.NewReplacer("\\\n", " ", "https://beat.example.com", "http://127.0.0.1:9").Replace(command)
	fields := strings.Fields(command)[2:]
	for i := 0; i < len(fields); i++ {
		if fields[i] == "--http" || fields[i] == "--data" {
			i++
			continue
		}
		flags = append(flags, fields[i])
	}
	return flags
}

// run runs a script and gives what it wrote. A call that is refused fails the script, unless the document shows its status.
func (s *shell) run(t *testing.T, script, kind string) string {
	t.Helper()
	if kind != "http" {
		script = `curl() { command curl --fail-with-body --max-time 20 "$@"; }` + "\n" + script
	}
	script = strings.NewReplacer("http://127.0.0.1:8080", s.server.url, "/var/lib/fleetbeat", s.server.data,
		" /backup/", " "+s.dir+"/backup/", " /srv/fleetbeat", " "+s.dir+"/srv/fleetbeat").Replace(script)
	command := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	command.Dir = s.dir
	command.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
	var stdout, stderr transcript
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, &stdout, &stderr)
	}
	if stdout.String() == "" {
		return strings.ReplaceAll(stderr.String(), s.dir+"/", "/")
	}
	return stdout.String()
}

// follow runs a script that reads the live stream, for a time in which there is something of every kind to tell.
func (s *shell) follow(t *testing.T, script string, answer block) {
	t.Helper()
	script = strings.ReplaceAll(strings.TrimSpace(script), "curl ", "curl --max-time 3 ") + ` || [ $? -eq 28 ]` // it ends by time only
	ended := make(chan struct{})
	var pausing sync.WaitGroup
	pausing.Go(func() {
		for paused := true; ; paused = !paused {
			select {
			case <-ended:
				return
			case <-time.After(500 * time.Millisecond):
			}
			if _, err := s.server.UpdateVehicle(t.Context(), "tractor-1", client.VehiclePatch{Paused: &paused}); err != nil {
				t.Error(err)
			}
		}
	})
	defer pausing.Wait()
	defer close(ended)
	compareStreams(t, s.run(t, script, "http"), answer.text)
}

func TestTheDocumentsLinkToWhatIsThere(t *testing.T) {
	all := documents(t)
	for _, d := range all {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]*)\)`).FindAllStringSubmatch(d.text, -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := d.name
			if target != "" {
				path = filepath.Join(filepath.Dir(d.name), target)
			}
			text, err := os.ReadFile(filepath.Join(root, path))
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s links to %s, which is not there", d.name, path)
			}
			if err == nil && anchor != "" && !slices.Contains(anchorsOf(string(text)), anchor) {
				t.Errorf("%s links to #%s, which %s does not have", d.name, anchor, path)
			}
		}
	}
}

// anchorsOf are the headings of a document as GitHub makes anchors of them.
func anchorsOf(text string) (anchors []string) {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		anchors = append(anchors, strings.ReplaceAll(plain, " ", "-"))
	}
	return anchors
}

func TestTheCodeInTheDocumentsIsThatOfTheExamples(t *testing.T) {
	sources := map[string]string{"go": "", "proto": readText(t, "internal/ingest/ingestpb/heartbeats.proto")}
	for _, name := range []string{"heartbeat", "watch"} {
		sources["go"] += readText(t, "examples/"+name+"/main.go")
	}
	for _, d := range documents(t) {
		for _, b := range d.block {
			if source, ok := sources[b.kind]; ok && !strings.Contains(source, b.text) {
				t.Errorf("%s:%d: this %s is not in the tree any more:\n%s", d.name, b.line, b.kind, b.text)
			}
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheSettingsInTheDocumentsAreTaken(t *testing.T) {
	for _, b := range documentAt(t, "docs/operating.md").block {
		if b.kind == "yaml" && strings.Contains(b.text, "data:") {
			file := filepath.Join(t.TempDir(), "fleetbeat.yaml")
			writeFile(t, file, []byte(b.text))
			s := serve(t, t.TempDir(), "--config", file)
			policy, err := s.Policy(t.Context())
			if want := (client.Policy{LateAfter: 90, OfflineAfter: 150}); err != nil || policy != want {
				t.Errorf("the policy is %v (%v), want %v", policy, err, want)
			}
			return
		}
	}
	t.Error("there are none")
}

func TestTheExamplesRun(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir+"/", root+"/examples/...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := serve(t, t.TempDir())
	liveThrough(t, s)
	for _, example := range []struct {
		args []string
		says string
	}{
		{[]string{"heartbeat", "-vin", "YS2R4X20005399401", "-interval", "50ms"}, " is stored as "},
		{[]string{"watch"}, "0 vehicles are offline at position "},
	} {
		command := exec.CommandContext(t.Context(), filepath.Join(dir, example.args[0]), append(example.args[1:], "-url", s.url)...)
		var said transcript
		command.Stdout, command.Stderr = &said, &said
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, example.args[0]+" says"+example.says, func() error {
			if !said.Contains(example.says) {
				return fmt.Errorf("it said %q", said.String())
			}
			return nil
		})
		if err := errors.Join(command.Process.Signal(os.Interrupt), command.Wait()); err != nil {
			t.Errorf("%s: %v", example.args[0], err)
		}
	}
}
