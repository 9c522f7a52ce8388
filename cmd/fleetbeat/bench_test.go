//go:build linux

package main_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/bench"
)

// TestBenchMeasuresEverything says nothing of how quick this machine is: only that every figure can still be taken.
func TestBenchMeasuresEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 seconds")
	}
	dir := t.TempDir()
	p := run(t, nil, "bench", "--short", "--vehicles", "2000", "--data", dir, "--json", "-")
	if p.code() != 0 {
		t.Fatalf("the exit code is %d", p.code())
	}
	var report bench.Report
	if err := json.Unmarshal([]byte(p.stdout.String()), &report); err != nil {
		t.Fatal(err)
	}
	names, _ := bench.Names()
	for _, name := range names {
		measured := 0
		for _, f := range report.Figures {
			if f.Name == name || strings.HasPrefix(f.Name, name+"-") {
				measured += len(f.Values)
			}
		}
		if measured == 0 {
			t.Errorf("nothing was measured for %s", name)
		}
	}
	for _, name := range []string{"append-plain", "append", "read-single", "memory-resident", "live-deadline-p99", "single-64-ratio", "batch-ndjson", "start", "start-killed", "replay"} {
		if f := report.Figure(name); f == nil || f.Median <= 0 {
			t.Errorf("%s was not measured: %+v", name, f)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files or folders were left behind, %v", len(left), err)
	}
}

func TestBenchMeasuresPostgresWhereThereIsOne(t *testing.T) {
	url := postgres.Server(t).Database(t)
	p := run(t, nil, "bench", "--short", "--only", "registry", "--postgres", url, "--data", t.TempDir(), "--json", "-")
	var report bench.Report
	if err := json.Unmarshal([]byte(p.stdout.String()), &report); err != nil || p.code() != 0 {
		t.Fatal(p.code(), err)
	}
	if f := report.Figure("registry-ratio"); f == nil || f.Median <= 0 {
		t.Errorf("it was not measured: %+v", report.Figures)
	}
}

func TestBenchRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"--only", "nothing"}, {"--only", "registry"}, {"--vehicles", "1500"}, {"--vehicles", "-1000"}, {"--data", "/nonexistent"}} {
		p := run(t, nil, append([]string{"bench", "--short"}, args...)...)
		if said := p.stderr.String(); p.code() == 0 || strings.Count(said, "\n") != 1 {
			t.Errorf("bench %v ended with %d and said %q", args, p.code(), said)
		}
	}
}
