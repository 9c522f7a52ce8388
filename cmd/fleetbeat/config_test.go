//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/client"
)

func TestFlagsWinOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	address := freeAddress(t)
	path := writeConfig(t, "http: "+address+"\ndata: "+t.TempDir()+"/of-the-file\nlate-after: 60s\noffline-after: 3m\n")
	p := launch(t, []string{"FLEETBEAT_CONFIG=" + path, "FLEETBEAT_OFFLINE_AFTER=2m", "FLEETBEAT_LATE_AFTER=50s"},
		"serve", "--late-after", "40s")
	api, err := client.New(client.Config{BaseURL: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	eventually(t, "the server is ready", func() error {
		if !p.running() {
			t.Fatalf("it ended with exit code %d", p.code())
		}
		return api.Ready(t.Context())
	})
	policy, err := api.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (client.Policy{LateAfter: 40, OfflineAfter: 120}); policy != want {
		t.Errorf("policy %v, want %v", policy, want)
	}
	if code := p.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAConfigurationFileMayListValues(t *testing.T) {
	path := writeConfig(t, "scenario: [tunnels, skew]\nvehicles: 3\naligned: true\nhttp: "+freeAddress(t)+"\n")
	p := launch(t, nil, "demo", "--config", path)
	eventually(t, "the demo says where to look", func() error {
		if !p.running() {
			t.Fatalf("it ended with exit code %d", p.code())
		}
		if !p.stdout.Contains("with 10 vehicles") {
			return os.ErrNotExist
		}
		return nil
	})
	if code := p.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAWrongConfigurationFileNamesItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"data: d\nhtpp: 1\n":  ":2: unknown setting \"htpp\"\n",
		"http:\n  port: 80\n": ":2: http wants a value or a list of values\n",
		"http: [1\n":          ": yaml: line 1: ",
		"late-after: soon\n":  "late-after: ",
	} {
		p := launch(t, nil, "serve", "--data", filepath.Join(t.TempDir(), "data"), "--config", writeConfig(t, text))
		if code := p.wait(t); code != 2 || !p.stderr.Contains(want) || strings.Count(p.stderr.String(), "\n") != 1 {
			t.Errorf("%q: exit code %d, it wrote %q and should write one line with %q", text, code, p.stderr, want)
		}
	}
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fleetbeat.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
