//go:build linux

package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
)

func TestStatusSaysWhetherServersAreWell(t *testing.T) {
	s := serve(t, t.TempDir())
	fleettest.Register(t, s.Client, fleettest.VIN(1), fleettest.VIN(2))
	if _, err := s.Heartbeat(t.Context(), fleettest.VIN(1), client.NewHeartbeat{}); err != nil {
		t.Fatal(err)
	}
	p := run(t, nil, "status", "--url", s.url)
	for _, said := range []string{s.url + ": ready", "listening since", "2 of 1 customers: 1 online", "1 unknown", "positions 1 to", "free of"} {
		if !strings.Contains(p.stdout.String(), said) {
			t.Errorf("it does not say %q", said)
		}
	}
	if p.code() != 0 {
		t.Errorf("exit code %d: %s%s", p.code(), p.stdout, p.stderr)
	}

	// One that does not answer is named, and does not hide the others.
	p = run(t, nil, "status", "--json", "--url", "http://127.0.0.1:1,"+s.url)
	lines := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
	if p.code() != 1 || len(lines) != 2 || !strings.Contains(lines[0], "connection refused") {
		t.Fatalf("exit code %d: %s%s", p.code(), p.stdout, p.stderr)
	}
	var well struct {
		Problem string          `json:"problem"`
		Summary *client.Summary `json:"summary"`
		Storage *client.Storage `json:"storage"`
	}
	if err := json.Unmarshal([]byte(lines[1]), &well); err != nil || well.Problem != "" || well.Summary.Vehicles != 2 || well.Storage.DiskTotal == 0 {
		t.Errorf("%s, %v", lines[1], err)
	}
}

func TestHealthcheckAnswersByItsExitCode(t *testing.T) {
	s := serve(t, t.TempDir())
	if p := run(t, nil, "healthcheck", "--url", s.url); p.code() != 0 || p.stdout.String()+p.stderr.String() != "" {
		t.Errorf("a server that is ready: exit code %d, %s%s", p.code(), p.stdout, p.stderr)
	}
	if p := run(t, nil, "healthcheck", "--url", "http://127.0.0.1:1"); p.code() != 1 || !strings.Contains(p.stderr.String(), "is not ready") {
		t.Errorf("one that is not there: exit code %d, %s", p.code(), p.stderr)
	}
}
