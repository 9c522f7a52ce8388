//go:build linux

package main_test

import (
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/client"
)

// The tables of the documents are held against the program: what it offers and exports stands in them, and nothing else.

// tableAt is the first table under a heading, without its head, as the cells of its rows.
func (d document) tableAt(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	_, text, ok := strings.Cut(d.text, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no heading %q", d.name, heading)
	}
	lines := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if lines > 0 {
				break
			}
			continue
		}
		if lines++; lines > 2 {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no table under %q", d.name, heading)
	}
	return rows
}

// columns are the first n columns of a table, each row as one text, sorted.
func columns(rows [][]string, n int) []string {
	var out []string
	for _, row := range rows {
		out = append(out, strings.Join(row[:n], " | "))
	}
	slices.Sort(out)
	return out
}

func TestTheTablesOfSettingsAreComplete(t *testing.T) {
	d := documentAt(t, "docs/operating.md")
	all := flagsOf(t)
	if diff := cmp.Diff(sortedRows(all), columns(d.tableAt(t, "### All commands"), 3)); diff != "" {
		t.Errorf("all commands (-program +document):\n%s", diff)
	}
	shared := []string{"--interval", "--jitter", "--scenario", "--aligned", "--seed"}
	for _, command := range []string{"registry status", "registry migrate", "registry copy", "serve", "demo", "simulate", "import", "status", "healthcheck", "replay", "backup", "restore", "backtest", "prove", "verify", "page", "bench"} {
		flags := flagsOf(t, strings.Fields(command)...)
		maps.DeleteFunc(flags, func(name, _ string) bool {
			_, everywhere := all[name]
			return everywhere || command == "simulate" && slices.Contains(shared, name) // the document refers to demo
		})
		if diff := cmp.Diff(sortedRows(flags), columns(d.tableAt(t, "### `fleetbeat "+command+"`"), 3)); diff != "" {
			t.Errorf("%s (-program +document):\n%s", command, diff)
		}
	}
}

// flagsOf reads the flags of a command from its help: by name, each as a row of the document's tables.
func flagsOf(t *testing.T, command ...string) map[string]string {
	t.Helper()
	help := run(t, nil, append(command, "--help")...).stdout.String()
	flags := map[string]string{}
	starts := regexp.MustCompile(`(?m)^(?:  -\w, | {6})--[a-z[]`).FindAllStringIndex(help, -1)
	for i, start := range starts {
		end := len(help)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		parts := regexp.MustCompile(`^ *(?:-\w, )?(--[^\s=]+)(?:=(\S+))?((?s).*)$`).FindStringSubmatch(help[start[0]:end])
		name, value := parts[1], strings.TrimSuffix(strings.Trim(parts[2], `"`), ",...")
		if regexp.MustCompile(`^[A-Z,.]+$`).MatchString(value) {
			value = "" // a word for what is to stand there
		}
		if value != "" {
			value = "`" + value + "`"
		}
		if env := regexp.MustCompile(`\(\$(\w+)\)`).FindStringSubmatch(parts[3]); env != nil {
			flags[name] = "`" + name + "` | `" + env[1] + "` | " + value
		}
	}
	return flags
}

func sortedRows(flags map[string]string) []string { return slices.Sorted(maps.Values(flags)) }

func TestTheTableOfMetricsIsComplete(t *testing.T) {
	s := serve(t, t.TempDir())
	exported := metricsOf(t, s)
	rows := documentAt(t, "docs/operating.md").tableAt(t, "### Metrics")
	if diff := cmp.Diff(exported, columns(rows, 2)); diff != "" {
		t.Errorf("metrics (-server +document):\n%s", diff)
	}
	known := strings.Join(exported, "\n")
	watched := documents(t)
	for _, name := range []string{"deploy/prometheus/alerts.yaml", "deploy/prometheus/alerts.test.yaml", "deploy/grafana/fleetbeat.json"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		watched = append(watched, document{name: name, text: string(text)})
	}
	for _, d := range watched {
		for _, name := range regexp.MustCompile(`fleetbeat_[a-z_]+`).FindAllString(strings.ReplaceAll(d.text, "_bucket{", "{"), -1) {
			if !regexp.MustCompile("`" + name + "[{`]").MatchString(known) {
				t.Errorf("%s speaks of %s, which the server does not export", d.name, name)
			}
		}
	}
}

func TestEveryAlertHasAChapterInTheRunbook(t *testing.T) {
	alerts, err := os.ReadFile(filepath.Join(root, "deploy", "prometheus", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var named, chapters []string
	for _, match := range regexp.MustCompile(`(?m)- alert: (\w+)$`).FindAllStringSubmatch(string(alerts), -1) {
		named = append(named, match[1])
	}
	for _, match := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(documentAt(t, "docs/runbook.md").text, -1) {
		chapters = append(chapters, match[1])
	}
	if diff := cmp.Diff(named, chapters); diff != "" || len(named) == 0 {
		t.Errorf("alerts (-alerts +runbook):\n%s", diff)
	}
}

// metricsOf are the metrics of ours that a server exports, with their labels and types, as rows of the document's table.
func metricsOf(t *testing.T, s *server) (rows []string) {
	t.Helper()
	get(t, s.url+"/healthz") // the histogram of calls shows nothing before the first
	text := get(t, s.url+"/metrics")
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (fleetbeat_\S+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		name := "`" + m[1]
		if labels := labelsOf(text, m[1]); labels != "" {
			name += "{" + labels + "}"
		}
		rows = append(rows, name+"` | "+m[2])
	}
	slices.Sort(rows)
	return rows
}

func labelsOf(text, name string) string {
	sample := regexp.MustCompile(`(?m)^` + name + `(?:_bucket|_sum|_count)?\{(.*)\} `).FindStringSubmatch(text)
	if sample == nil {
		return ""
	}
	var labels []string
	for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(sample[1], -1) {
		if label[1] != "le" {
			labels = append(labels, label[1])
		}
	}
	return strings.Join(labels, ",")
}

func get(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, answer.Status, err)
	}
	return string(text)
}

func TestTheTableOfTheDataFolderIsComplete(t *testing.T) {
	s := serve(t, t.TempDir())
	liveThrough(t, s)
	found, err := os.ReadDir(s.data)
	s.stop(t)
	after, err2 := os.ReadDir(s.data) // now with snapshots
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	table := strings.Join(columns(documentAt(t, "docs/operating.md").tableAt(t, "## The data folder"), 1), "\n")
	for _, entry := range append(found, after...) {
		name := entry.Name()
		if entry.IsDir() {
			name += "/"
		}
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("the document does not say what %s is", name)
		}
	}
}

func TestTheTableOfRefusalsIsComplete(t *testing.T) {
	codes := map[string]string{
		"BadRequest": "400", "NotFound": "404", "MethodNotAllowed": "405", "RequestEntityTooLarge": "413",
		"UnsupportedMediaType": "415", "ServiceUnavailable": "503",
	}
	var refusals []string
	source := readText(t, "internal/ingest/refusal.go")
	for _, m := range regexp.MustCompile(`\{"(\w+)", http\.Status(\w+)\}`).FindAllStringSubmatch(source, -1) {
		refusals = append(refusals, codes[m[2]]+" | `"+m[1]+"`")
	}
	slices.Sort(refusals)
	if diff := cmp.Diff(refusals, columns(documentAt(t, "docs/devices.md").tableAt(t, "## Every refusal"), 2)); diff != "" {
		t.Errorf("refusals (-program +document):\n%s", diff)
	}
}

func TestTheLinesToKnowAreLogged(t *testing.T) {
	var source strings.Builder
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		source.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	level := map[string]string{"error": "Error", "warn": "Warn", "info": "Info"}
	for _, row := range documentAt(t, "docs/operating.md").tableAt(t, "### Logs and profiles") {
		if call := level[row[1]] + `("` + strings.Trim(row[0], "`") + `"`; !strings.Contains(source.String(), call) {
			t.Errorf("nothing logs %s at level %s", row[0], row[1])
		}
	}
}

func TestEveryCallOfTheDocumentsIsInTheAPI(t *testing.T) {
	s := serve(t, t.TempDir())
	described := get(t, s.url+"/openapi.json")
	for _, d := range documents(t) {
		for _, path := range regexp.MustCompile("[`/]((?:/v1|/heartbeat|/search)[a-z0-9/_{}-]*)").FindAllStringSubmatch(d.text, -1) {
			call := strings.ReplaceAll(strings.TrimSuffix(path[1], "/"), "{id}/heartbeats", "{vin}/heartbeats")
			call = strings.ReplaceAll(call, "/heartbeat/{id}", "/heartbeat/{vehicle_id}")
			if !strings.Contains(described, `"`+call+`":`) && !strings.HasPrefix(call, "/heartbeat/canary-") {
				t.Errorf("%s speaks of %s, which the API does not have", d.name, path[1])
			}
		}
	}
}

// TestTheTableOfLimitsIsRight holds the document's table against the source text of the constants, so that who changes
// one is told to change the other.
func TestTheTableOfLimitsIsRight(t *testing.T) {
	limits := []struct{ what, limit, file, source string }{
		{"heartbeats in one request", "10,000", "ingest/doors.go", `MaxItems = 10_000`},
		{"body of a batch of heartbeats, as sent and expanded, each", "4 MiB", "ingest/doors.go", `MaxBody = 4 << 20`},
		{"body at the door for one vehicle", "16 KiB", "ingest/doors.go", `maxSingleBody = 16 << 10`},
		{"heartbeats and facts that wait for a commit", "262,144", "ingest/committer.go", `defaultQueueRows = 262_144`},
		{"memory for bodies of heartbeats that are being read", "128 MiB", "ingest/doors.go", `defaultBodyBytes = 128 << 20`},
		{"sequence numbers remembered of each vehicle", "64", "ingest/window.go", `WindowLength = 64`},
		{"unregistered ids remembered", "10,000", "ingest/unregistered.go", `defaultUnregistered = 10_000`},
		{"body of any other call but import", "256 KiB", "api/register.go", `maxBody = 256 << 10`},
		{"CSV file for import", "64 MiB, 1,000,000 lines", "api/csv.go", `maxImport = 64 << 20`},
		{"wrong lines that an import lists", "1,000", "registry/import.go", `MaxLineErrors = 1000`},
		{"VIN, device id, customer id", "64 characters", "registry/validate.go", `MaxID = 64`},
		{"registration number, tag", "64 characters", "registry/validate.go", `MaxTag = 64`},
		{"tags of a vehicle", "32", "registry/validate.go", `MaxTags = 32`},
		{"name of a customer", "200 characters", "registry/validate.go", `MaxName = 200`},
		{"address of a customer", "400 characters", "registry/validate.go", `MaxAddress = 400`},
		{"time in a policy", "2 s to 366 days", "registry/validate.go", `MinAfter = 2 * time.Second MaxAfter = 366 * 24 * time.Hour`},
		{"items on a page", "1,000", "fleet/query.go", `MaxLimit = 1000`},
		{"customers or tags in facets", "50", "fleet/query.go", `maxFacets = 50`},
		{"transitions remembered for `/v1/transitions`", "100,000", "fleet/view.go", `{&c.Transitions, 100_000}`},
		{"gaps remembered for `/v1/gaps`", "1,000", "fleet/view.go", `{&c.Gaps, 1_000}`},
		{"readers of the live stream", "1,000", "fleet/view.go", `{&c.Subscribers, 1_000}`},
		{"a read's wait for `min_position`, a write's wait until reads show it", "5 s", "api/answer.go", `waitTimeout = 5 * time.Second`},
		{"an import's wait until reads show it", "1 minute", "api/answer.go", `fileWaitTimeout = time.Minute`},
		{"request header, size and time", "16 KiB, 5 s", "app/server.go", `maxHeaderBytes = 16 << 10`},
		{"time for a whole request to come", "15 s", "app/server.go", `readTimeout = 15 * time.Second`},
		{"time for an answer to go", "60 s", "app/server.go", `writeTimeout = 60 * time.Second`},
		{"pause within a file or a stream that goes on", "30 s; live: 15 s", "api/csv.go", `filePause = 30 * time.Second`},
		{"idle connection", "2 minutes", "app/server.go", `idleTimeout = 2 * time.Minute`},
		{"requests that a stop waits for", "10 s", "app/server.go", `drainTimeout = 10 * time.Second`},
		{"one write to the log", "10 s", "eventlog/log.go", `config.Timeout = 10 * time.Second`},
		{"calls that read heartbeats at once; more get 503", "4", "api/heartbeats.go", `heartbeatScans = 4`},
		{"calls for records, uptime and series at once; more get 503", "4", "api/record.go", `recordScans = 4`},
		{"time that one of them is about", "400 days", "api/record.go", `maxPast = 400 * aDay`},
		{"steps of uptime or a series", "2,000", "history/record/buckets.go", `MaxBuckets = 2000`},
		{"transitions read for a customer's uptime", "2,000,000", "app/record.go", `maxTransitions = 2_000_000`},
		{"past moments kept at hand", "2", "app/past.go", `keptPasts = 2`},
		{"proofs made at once; more get 503", "2", "api/proof.go", `provers = 2`},
		{"batches in a proof", "20,000", "proof/prove.go", `mostBatches = 20_000`},
		{"bytes of batches in a proof", "48 MiB", "proof/prove.go", `mostBytes = 48 << 20`},
		{"heartbeats of all vehicles read for a proof", "20,000,000", "proof/prove.go", `mostRead = 20_000_000`},
		{"a proof's wait for its checkpoint", "10 s", "proof/prove.go", `signWithin = 10 * time.Second`},
	}
	oneSpace := func(text string) string { return strings.Join(strings.Fields(text), " ") } // gofmt aligns
	var rows [][]string
	for _, l := range limits {
		rows = append(rows, []string{l.what, l.limit})
		if !strings.Contains(oneSpace(readText(t, "internal/"+l.file)), l.source) {
			t.Errorf("%s: %q is not in %s any more: the document says %s", l.what, l.source, l.file, l.limit)
		}
	}
	if diff := cmp.Diff(rows, documentAt(t, "docs/operating.md").tableAt(t, "## Limits")); diff != "" {
		t.Errorf("limits (-program +document):\n%s", diff)
	}
}

func TestTheDocumentsKnowThePresences(t *testing.T) {
	var rows [][]string
	for _, p := range []client.Presence{client.Unknown, client.Online, client.Late, client.Offline, client.Paused} {
		rows = append(rows, []string{"`" + string(p) + "`"})
	}
	table := documentAt(t, "docs/operating.md").tableAt(t, "## Policies, and what the colours mean")
	if diff := cmp.Diff(columns(rows, 1), columns(table, 1)); diff != "" {
		t.Errorf("presences (-program +document):\n%s", diff)
	}
}
