//go:build linux

package main_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	_ "modernc.org/sqlite" // to make a registry of a later version
)

// refused checks that the program refuses: one line on standard error, with the words wanted, and an exit code.
func refused(t *testing.T, p *process, code int, words ...string) {
	t.Helper()
	p.wait(t)
	said := p.stderr.String()
	if p.code() != code {
		t.Errorf("exit code %d, want %d", p.code(), code)
	}
	if strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "fleetbeat: ") || p.stdout.String() != "" {
		t.Errorf("it wrote %q and %q, want one line on standard error", said, p.stdout)
	}
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("it wrote %q, without %q", said, word)
		}
	}
}

func TestWhatCannotWorkIsRefusedBeforeTheFolderIsMade(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // after the parallel tests below
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--nonsense", 2, "unknown flag --nonsense"},
		{"extra", 2, "unexpected argument extra"},
		{"--config /nowhere/fleetbeat.yaml", 2, "/nowhere/fleetbeat.yaml"},
		{"--log-format xml", 2, "--log-format"},
		{"--late-after 10s", 2, "--late-after and --offline-after go together"},
		{"--late-after 10s --offline-after 5s", 1, "late_after is more than offline_after"},
		{"--late-after 1s --offline-after 5s", 1, "late_after is less than 2s"},
		{"--late-after=-10s --offline-after=-5s", 1, "late_after is less than 2s"},
		{"--canary-interval=-1s", 1, "canary interval -1s"},
		{"--snapshot-every=-1s", 1, "between snapshots -1s"},
		{"--public-url nonsense", 1, `"nonsense"`},
		{"--http 127.0.0.1:99999", 1, "99999"},
		{"--http " + taken.Addr().String(), 1, taken.Addr().String() + ": bind: address already in use"},
		{"--admin " + taken.Addr().String(), 1, taken.Addr().String() + ": bind: address already in use"},
		{"--registry mysql://db/x", 1, "not of the form postgres://"},
		{"--registry postgres://127.0.0.1:x/y", 1, "the registry's URL cannot be read"},
		{"--registry postgres://db/x --registry-file /dev/null", 2, "give one"},
		{"--registry-file /dev/null", 2, "/dev/null is empty"},
		{"--admin 0.0.0.0:0", 1, "use a loopback address"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(t.TempDir(), "data")
			args := append([]string{"serve", "--data", data, "--http", "127.0.0.1:0"}, strings.Fields(c.args)...)
			refused(t, launch(t, nil, args...), c.code, c.want)
			if _, err := os.Stat(data); err == nil {
				t.Error("the data folder was made")
			}
		})
	}
}

func TestAFolderThatCannotBeUsedIsRefusedAndLeftAsItIs(t *testing.T) {
	used := livedIn(t)
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, data string) string // changes a copy of a used folder, and says which folder to give
		want    string
	}{
		{"a file", func(_ *testing.T, data string) string { return filepath.Join(data, "FORMAT") }, "not a directory"},
		{"below a file", func(_ *testing.T, data string) string { return filepath.Join(data, "FORMAT", "below") }, "not a directory"},
		{"none", func(*testing.T, string) string { return "" }, "no data folder"},
		{"log of a newer version", newerLog, "written by a newer version"},
		{"registry of a newer version", newerRegistry, "written by a newer version"},
		{"snapshot of a newer version", newerSnapshot, "written by a newer version"},
		{"registry that is none", func(t *testing.T, data string) string {
			writeFile(t, filepath.Join(data, "registry.db"), bytes.Repeat([]byte("not a database. "), 1000))
			return data
		}, "not a database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := copyOf(t, used)
			data := c.prepare(t, folder)
			before := fingerprint(t, folder)
			refused(t, launch(t, nil, "serve", "--http", "127.0.0.1:0", "--data", data), 1, c.want)
			if fingerprint(t, folder) != before {
				t.Error("the folder has changed")
			}
		})
	}
}

func newerLog(t *testing.T, data string) string {
	text := "fleetbeat log, format 3"
	sum := crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli))
	writeFile(t, filepath.Join(data, "FORMAT"), fmt.Appendf(nil, "%s, crc32c %08x\n", text, sum))
	return data
}

func newerRegistry(t *testing.T, data string) string {
	db, err := sql.Open("sqlite", filepath.Join(data, "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return data
}

func newerSnapshot(t *testing.T, data string) string {
	paths, err := filepath.Glob(filepath.Join(data, "snapshots", "fleet-*.snapshot"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there is no snapshot: %v", err)
	}
	file := readFile(t, paths[0])
	file = bytes.Replace(file[:len(file)-sha256.Size], []byte("snapshot 1\n"), []byte("snapshot 2\n"), 1)
	sum := sha256.Sum256(file)
	writeFile(t, paths[0], append(file, sum[:]...))
	return data
}

// TestAFolderThatMayNotBeWrittenIsRefused runs the program as nobody, because permissions do not bind root.
func TestAFolderThatMayNotBeWrittenIsRefused(t *testing.T) {
	data := livedIn(t)
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		attributes.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		for _, path := range []string{filepath.Dir(program), filepath.Dir(data)} {
			if err := os.Chmod(path, 0o755); err != nil { // others are to enter here
				t.Fatal(err)
			}
		}
	}
	if err := os.Chmod(data, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(data, 0o755) }) // so that it can be removed
	if err := os.Chmod(filepath.Join(data, "LOCK"), 0o444); err != nil {
		t.Fatal(err)
	}
	before := fingerprint(t, data)
	for folder, want := range map[string]string{data: "permission denied", filepath.Join(data, "new"): "permission denied"} {
		refused(t, launchAs(t, attributes, nil, "serve", "--http", "127.0.0.1:0", "--data", folder), 1, want, folder)
	}
	if fingerprint(t, data) != before {
		t.Error("the folder has changed")
	}
}

func TestASecondProcessOnAFolderIsRefused(t *testing.T) {
	s := serve(t, t.TempDir())
	liveThrough(t, s)
	s.suspend(t) // so that it changes nothing meanwhile
	before := fingerprint(t, s.data)
	refused(t, launch(t, nil, "serve", "--http", "127.0.0.1:0", "--data", s.data), 1, "in use by another process", s.data)
	refused(t, launch(t, nil, "demo", "--http", "127.0.0.1:0", "--data", s.data), 1, "in use by another process", s.data)
	if fingerprint(t, s.data) != before {
		t.Error("the folder has changed")
	}
	s.resume(t)
	s.waitReady(t)
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestOtherCommandsRefuseInOneLineToo(t *testing.T) {
	nowhere := freeAddress(t)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", 2, `expected one of "serve"`},
		{"nonsense", 2, "unexpected argument nonsense"},
		{"replay --data /nowhere", 2, "/nowhere"},
		{"registry status --registry postgres://" + nowhere + "/x", 1, nowhere},
		{"registry migrate", 2, "--registry-file"},
		{"registry copy --from /tmp", 2, "--to-file"},
		{"registry copy --from /nowhere --to postgres://" + nowhere + "/x", 2, "/nowhere"},
		{"import", 2, "<file>"},
		{"import /nowhere.csv", 2, "/nowhere.csv"},
		{"import /dev/null --url http://" + nowhere, 1, nowhere},
		{"import /dev/null --url nonsense", 2, `"nonsense"`},
		{"simulate --url nonsense", 2, `"nonsense"`},
		{"simulate --url http://" + nowhere, 1, nowhere},
		{"simulate --scenario nonsense", 2, `"nonsense"`},
		{"simulate --vehicles=-1", 2, "-1"},
		{"demo --http " + nowhere + " --vehicles=-1", 2, "-1"},
		{"demo --http " + nowhere + " --scenario nonsense", 2, `"nonsense"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			refused(t, launch(t, nil, strings.Fields(c.args)...), c.code, c.want)
		})
	}
}

// wrongValues are, for each flag, a value that its command refuses with the value in its one line.
var wrongValues = map[string]map[string]string{
	"serve": {
		"http": "nonsense", "data": "/dev/null/x", "public-url": "nonsense", "admin": "nonsense", "late-after": "nonsense",
		"offline-after": "nonsense", "canary-interval": "nonsense", "snapshot-every": "nonsense", "reserve": "nonsense",
		"web-origin": "nonsense", "sign-every": "nonsense", "keep-history": "59m0s", "keep-log": "23h0m0s",
		"drain": "-1s", "traces": "nonsense", "trace-sample": "1.5", "roles": "nonsense", "node": "non sense", "nats": "nonsense", "nats-file": "/dev/null/x", "nats-stream": "non.sense", "nats-replicas": "2",
		"nats-creds": "/dev/null/x", "nats-ca": "/dev/null/x", "nats-cert": "/dev/null/x", "nats-key": "/dev/null/x", "nats-monitor": "nonsense",
		"registry": "nonsense", "registry-file": "/dev/null/x",
	},
	"registry status":        {"data": "/dev/null/x", "registry": "nonsense", "registry-file": "/dev/null/x"},
	"registry migrate":       {"registry": "nonsense", "registry-file": "/dev/null/x"},
	"registry copy":          {"from": "/dev/null/x"},
	"registry copy --from /": {"to": "nonsense", "to-file": "/dev/null/x"},
	"status":                 {"url": "nonsense", "timeout": "nonsense", "json": "nonsense"},
	"healthcheck":            {"url": "nonsense", "timeout": "nonsense"},
	"demo": {
		"http": "nonsense", "data": "/dev/null/x", "vehicles": "nonsense", "interval": "nonsense", "jitter": "nonsense",
		"scenario": "nonsense", "aligned": "nonsense", "seed": "nonsense",
	},
	"simulate": {
		"url": "nonsense", "vehicles": "nonsense", "interval": "nonsense", "jitter": "nonsense", "scenario": "nonsense",
		"aligned": "nonsense", "seed": "nonsense", "original": "nonsense", "register": "nonsense", "duration": "nonsense",
		"batch": "nonsense", "connections": "nonsense", "no-sequence": "nonsense", "no-sent-at": "nonsense",
	},
	"import /dev/null":   {"url": "nonsense", "partial": "nonsense", "dry-run": "nonsense"},
	"replay":             {"data": "/dev/null/x", "transitions": "nonsense"},
	"backup /dev/null/x": {"data": "/dev/null/x", "with-key": "nonsense", "without-registry": "nonsense"},
	"restore /dev/null":  {"data": "/dev/null/x"},
	"page /dev/null/x":   {"api": "nonsense"},
	"version":            {"log-level": "nonsense", "log-format": "nonsense"},
}

// TestEveryFlagIsHeardInEveryWay gives each flag a wrong value on the command line, in the environment and in a file:
// what is refused was heard.
func TestEveryFlagIsHeardInEveryWay(t *testing.T) {
	for command, flags := range wrongValues {
		for flag, value := range flags {
			t.Run(command+"/"+flag, func(t *testing.T) {
				t.Parallel()
				data := filepath.Join(t.TempDir(), "data")
				args := strings.Fields(command)
				variables := []string{"FLEETBEAT_DATA=" + data, "FLEETBEAT_HTTP=127.0.0.1:0"}
				if !strings.HasPrefix(command, "import") { // a server that is there ends what the wrong value did not
					variables = append(variables, "FLEETBEAT_URL=http://127.0.0.1:1")
				}
				env := func(more ...string) []string {
					return append(without(variables, envName(flag)), more...)
				}
				for way, p := range map[string]*process{
					"flag":        launch(t, env(), append(args, "--"+flag+"="+value)...),
					"environment": launch(t, env(envName(flag)+"="+value), args...),
					"file":        launch(t, env(), append(args, "--config", writeConfig(t, flag+": "+value+"\n"))...),
				} {
					if code := p.wait(t); code != 1 && code != 2 || !p.stderr.Contains(value) || strings.Count(p.stderr.String(), "\n") != 1 {
						t.Errorf("by %s: exit code %d, it wrote %q", way, code, p.stderr)
					}
				}
				if _, err := os.Stat(data); err == nil {
					t.Error("the data folder was made")
				}
			})
		}
	}
}

func envName(flag string) string {
	return "FLEETBEAT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func without(variables []string, name string) (kept []string) {
	for _, v := range variables {
		if !strings.HasPrefix(v, name+"=") {
			kept = append(kept, v)
		}
	}
	return kept
}

func TestHelpNamesEveryFlagAndItsVariable(t *testing.T) {
	flags := regexp.MustCompile(`(?m)^ +(?:-\w, )? ?--(?:\[no-\])?([a-z-]+)`)
	for command, tested := range wrongValues {
		p := run(t, nil, strings.Fields(command)[0], "--help")
		help := p.stdout.String()
		if p.code() != 0 || p.stderr.String() != "" {
			t.Errorf("%s --help: exit code %d, it wrote %q", command, p.code(), p.stderr)
		}
		for _, match := range flags.FindAllStringSubmatch(help, -1) {
			flag := match[1]
			if flag == "help" {
				continue
			}
			if !strings.Contains(help, "$"+envName(flag)) {
				t.Errorf("%s: the help of --%s does not name $%s", command, flag, envName(flag))
			}
			_, all := wrongValues["version"][flag]
			if tested[flag] == "" && flag != "config" && !all {
				t.Errorf("%s --%s has no test in wrongValues", command, flag)
			}
		}
	}
	if p := run(t, nil, "--help"); p.code() != 0 || !strings.Contains(p.stdout.String(), "serve") {
		t.Errorf("--help: exit code %d, it wrote %q", p.code(), p.stdout)
	}
}
