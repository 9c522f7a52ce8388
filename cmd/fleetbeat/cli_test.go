//go:build linux

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/client"
)

func TestVersionIsOneLine(t *testing.T) {
	p := run(t, nil, "version")
	if p.code() != 0 || !regexp.MustCompile(`^fleetbeat \S+ go\S+ linux/\S+\n$`).MatchString(p.stdout.String()) {
		t.Errorf("exit code %d, output %q", p.code(), p.stdout)
	}
}

func TestOpenAPIPrintsWhatAServerServes(t *testing.T) {
	p := run(t, nil, "openapi")
	if p.code() != 0 || !strings.HasSuffix(p.stdout.String(), "\n}\n") {
		t.Fatalf("exit code %d, it ends with %.20q", p.code(), p.stdout.String()[max(0, len(p.stdout.String())-20):])
	}
	stamp := regexp.MustCompile(`"version": "[^"]*"`)
	served := get(t, serve(t, t.TempDir()).url+"/openapi.json")
	if diff := cmp.Diff(stamp.ReplaceAllString(served, "")+"\n", stamp.ReplaceAllString(p.stdout.String(), "")); diff != "" {
		t.Errorf("documents (-server +command):\n%s", diff)
	}
}

func TestImportSaysEveryWrongLineAndChangesNothing(t *testing.T) {
	s := serve(t, t.TempDir())
	file := filepath.Join(t.TempDir(), "fleet.csv")
	writeFile(t, file, []byte("vin,customer_name,late_after,offline_after\n"+
		"good-1,Kalles,,\n"+
		"in valid,Kalles,,\n"+
		"good-2,Kalles,60,30\n"+
		"good-1,Kalles,,\n"+
		"good-3,\"Kal\nles\",soon,90\n"+
		"good-4,Kalles,,\n"))
	for _, c := range []struct {
		args     []string
		code     int
		out      string
		vehicles int
	}{
		{nil, 1, "2 vehicles created, 0 updated, 0 unchanged, 5 lines rejected: NOTHING WAS CHANGED\n", 0},
		{[]string{"--partial", "--dry-run"}, 0, "2 vehicles created, 0 updated, 0 unchanged, 5 lines rejected: nothing was changed, as asked\n", 0},
		{[]string{"--partial"}, 0, "2 vehicles created, 0 updated, 0 unchanged, 5 lines rejected: done\n", 2},
		{[]string{"--partial"}, 0, "0 vehicles created, 0 updated, 2 unchanged, 5 lines rejected: done\n", 2},
	} {
		p := run(t, nil, append([]string{"import", file, "--url", s.url}, c.args...)...)
		if p.code() != c.code || p.stdout.String() != c.out {
			t.Errorf("%v: exit code %d, it wrote %q, want %d and %q", c.args, p.code(), p.stdout, c.code, c.out)
		}
		var places []string
		for _, match := range regexp.MustCompile(`fleet.csv:(\d+: [a-z_]+)`).FindAllStringSubmatch(p.stderr.String(), -1) {
			places = append(places, match[1])
		}
		if want := []string{"3: vin", "4: late_after", "5: vin", "6: a", "7: a"}; !slices.Equal(places, want) {
			t.Errorf("%v: it wrote %q, want the places %q", c.args, p.stderr, want)
		}
		if page, err := s.Vehicles(t.Context(), client.VehicleQuery{}); err != nil || page.Total != c.vehicles {
			t.Errorf("%v: %d vehicles, %v", c.args, page.Total, err)
		}
	}
}

func TestAnExportImportsAgainUnchanged(t *testing.T) {
	s := serve(t, t.TempDir())
	liveThrough(t, s)
	var export bytes.Buffer
	if err := s.Export(t.Context(), &export); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "export.csv")
	writeFile(t, file, export.Bytes())
	want := "0 vehicles created, 0 updated, 10 unchanged, 0 lines rejected: done\n"
	if p := run(t, nil, "import", file, "--url", s.url); p.code() != 0 || p.stdout.String() != want {
		t.Errorf("exit code %d, it wrote %q", p.code(), p.stdout)
	}
}

// TestReplayTellsTheTransitionsThatTheServerTold compares them byte for byte, after vehicles came, went late and
// offline, were paused, and after a crash.
func TestReplayTellsTheTransitionsThatTheServerTold(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir(), "--late-after", "2s", "--offline-after", "3s", "--snapshot-every", "500ms")
	liveThrough(t, s)
	if _, err := s.PauseVehicle(t.Context(), "tractor-1"); err != nil {
		t.Fatal(err)
	}
	own := client.PolicyPatch{Given: true, Policy: client.Policy{LateAfter: 2, OfflineAfter: 4}} // it was minutes
	if _, err := s.UpdateVehicle(t.Context(), "VLUR4X20009093588", client.VehiclePatch{OwnPolicy: own}); err != nil {
		t.Fatal(err)
	}
	s.kill()
	s.start(t)
	if _, err := s.Heartbeat(t.Context(), "tractor-2", client.NewHeartbeat{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all have gone offline", func() error {
		summary, err := s.Summary(t.Context())
		if err == nil && summary.Presence != (client.Counts{Unknown: 1, Offline: 8, Paused: 1}) {
			err = fmt.Errorf("they are %+v", summary.Presence)
		}
		return err
	})
	told := toldTransitions(t, s)
	if p := run(t, nil, "replay", "--data", s.data, "--transitions"); p.code() != 0 {
		t.Errorf("beside the server: exit code %d", p.code())
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p := run(t, nil, "replay", "--data", s.data, "--transitions")
	if p.code() != 0 {
		t.Errorf("exit code %d", p.code())
	}
	number := regexp.MustCompile(`,"vehicle":[0-9]+}$`)
	var replayed []string
	for line := range strings.Lines(p.stdout.String()) {
		replayed = append(replayed, number.ReplaceAllString(strings.TrimSuffix(line, "\n"), "}"))
	}
	if len(told) < 8*3+1 || !slices.Equal(told, replayed) {
		t.Errorf("the server told\n%s\nthe replay tells\n%s", strings.Join(told, "\n"), strings.Join(replayed, "\n"))
	}
}

// toldTransitions are the transitions of a server as it wrote them, in the order of the log.
func toldTransitions(t *testing.T, s *server) (told []string) {
	t.Helper()
	answer, err := http.Get(s.url + "/v1/transitions?limit=1000")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var page struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	for _, item := range slices.Backward(page.Items) {
		told = append(told, string(item))
	}
	return told
}

func TestDemoShowsVehiclesOnlineAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	address, temporary := freeAddress(t), t.TempDir()
	p := launch(t, []string{"TMPDIR=" + temporary}, "demo", "--http", address, "--vehicles", "20")
	api, err := client.New(client.Config{BaseURL: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	eventually(t, "most vehicles are online", func() error {
		if !p.running() {
			t.Fatalf("the demo ended with exit code %d", p.code())
		}
		summary, err := api.Summary(t.Context())
		if err == nil && (summary.Vehicles != 27 || summary.Presence.Online < 20) {
			err = fmt.Errorf("of %d vehicles are %+v", summary.Vehicles, summary.Presence)
		}
		return err
	})
	found, err := api.Search(t.Context(), client.SearchQuery{CustomerName: "grustransporter"})
	if err != nil || len(found) != 3 || found[0].Customer.Name != "Kalles Grustransporter AB" {
		t.Errorf("the original search finds %+v, %v", found, err)
	}
	if !p.stdout.Contains("http://" + address + "/") {
		t.Errorf("it wrote %q, without the address to look at", p.stdout)
	}
	p.signal(t, syscall.SIGINT)
	if code := p.wait(t); code != 0 || p.stderr.Contains("level=") {
		t.Errorf("exit code %d, it wrote %q", code, p.stderr)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind, %v", left, err)
	}
}
