//go:build linux

package main_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/postgrestest"
)

// postgres is the PostgreSQL of the tests that need one.
var postgres postgrestest.Shared

// withPassword is a database's URL with a password, which the server does not ask for: it must not be seen anywhere.
func withPassword(url string) string {
	return strings.Replace(url, postgrestest.Superuser+"@", postgrestest.Superuser+":opensesame@", 1)
}

// said is the status of a request, what it says when it is refused, and when to try again.
func said(t testing.TB, s *server, method, path, body string) (status int, text, retry string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(read), response.Header.Get("Retry-After")
}

// TestTheServerOutlivesItsRegistry stops PostgreSQL under a server, and starts it again; then it starts the server while
// there is no PostgreSQL.
func TestTheServerOutlivesItsRegistry(t *testing.T) {
	database := postgres.Server(t)
	file := filepath.Join(t.TempDir(), "registry-url")
	writeFile(t, file, []byte(withPassword(database.Database(t))+"\n"))
	s := serve(t, t.TempDir(), "--registry-file", file)
	liveThrough(t, s)
	const known = "/v1/vehicles/YS2R4X20005399401"
	newVehicle := func(n int) string { return fmt.Sprintf(`{"vin": "new-%d", "customer_id": "kalles"}`, n) }

	database.Stop(t)
	if _, err := s.Heartbeat(t.Context(), "YS2R4X20005399401", client.NewHeartbeat{}); err != nil {
		t.Errorf("a heartbeat while PostgreSQL is away: %v", err)
	}
	for _, path := range []string{known, "/v1/vehicles", "/v1/vehicles?q=kalles", "/v1/summary", "/readyz"} {
		if status, text, _ := said(t, s, "GET", path, ""); status != http.StatusOK {
			t.Errorf("GET %s while PostgreSQL is away: %d %s", path, status, text)
		}
	}
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/v1/vehicles", newVehicle(1)}, {"DELETE", known, ""}, {"PATCH", known, `{"tags": []}`}, {"GET", "/v1/customers", ""},
	} {
		status, text, retry := said(t, s, c.method, c.path, c.body)
		if status != http.StatusServiceUnavailable || retry == "" || !strings.Contains(text, "the registry is away") {
			t.Errorf("%s %s while PostgreSQL is away: %d, Retry-After %q, %s", c.method, c.path, status, retry, text)
		}
	}
	database.Start(t)
	eventually(t, "a vehicle can be added again", func() error {
		if status, text, _ := said(t, s, "POST", "/v1/vehicles", newVehicle(1)); status != http.StatusCreated {
			return fmt.Errorf("%d %s", status, text)
		}
		return nil
	})
	if _, err := s.Heartbeat(t.Context(), "new-1", client.NewHeartbeat{}); err != nil {
		t.Error(err)
	}

	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	database.Stop(t)
	before := s.process
	for _, stopped := range []bool{true, false} {
		s.process = launch(t, nil, s.args...)
		eventually(t, "the server waits", func() error {
			if !s.stderr.Contains("waiting for PostgreSQL") {
				return errors.New(s.stderr.String())
			}
			return nil
		})
		if !stopped {
			break
		}
		if code := s.stop(t); code != 1 || !strings.HasSuffix(s.stderr.String(), "waiting for PostgreSQL: context canceled\n") {
			t.Errorf("stopped while it waits, it ended with %d and said %q", code, s.stderr)
		}
	}
	database.Start(t)
	s.waitReady(t)
	if status, text, _ := said(t, s, "POST", "/v1/vehicles", newVehicle(2)); status != http.StatusCreated {
		t.Errorf("%d %s", status, text)
	}
	for _, p := range []*process{before, s.process} {
		if p.stderr.Contains("opensesame") {
			t.Error("the log holds the password")
		}
	}
}

// TestARegistryMovesToPostgres copies the registry of a folder, starts a server on the copy, and backs the folder up.
func TestARegistryMovesToPostgres(t *testing.T) {
	database := postgres.Server(t)
	url := withPassword(database.Database(t))
	data := livedIn(t)
	before := fingerprint(t, filepath.Join(data, "log"))

	running := serve(t, copyOf(t, data))
	refused(t, launch(t, nil, "registry", "copy", "--from", running.data, "--to", url), 1, "in use by another process")
	refused(t, launch(t, nil, "serve", "--http", "127.0.0.1:0", "--data", copyOf(t, data), "--registry", withPassword(database.Database(t))), 1, "registry copy")

	copied := run(t, nil, "registry", "copy", "--from", data, "--to", url)
	if copied.code() != 0 || !copied.stdout.Contains("10      10  vehicles") || !copied.stdout.Contains(" 3       3  customers") {
		t.Fatalf("exit code %d, it wrote %s%s", copied.code(), copied.stdout, copied.stderr)
	}
	refused(t, launch(t, nil, "registry", "copy", "--from", data, "--to", url), 1, "there is something in it already")
	status := func(args ...string) string {
		p := run(t, nil, append([]string{"registry", "status"}, args...)...)
		if p.code() != 0 {
			t.Fatalf("exit code %d, it wrote %s", p.code(), p.stderr)
		}
		lines := strings.SplitN(p.stdout.String(), "\n", 3)
		return lines[2]
	}
	if file, copied := status("--data", data), status("--registry", url); file != copied || !strings.Contains(file, "vehicles   10\n") {
		t.Errorf("of the file:\n%sof the copy:\n%s", file, copied)
	}
	if fingerprint(t, filepath.Join(data, "log")) != before {
		t.Error("the log has changed")
	}

	s := serve(t, data, "--registry", url)
	if page, err := s.Vehicles(t.Context(), client.VehicleQuery{}); err != nil || page.Total != 10 {
		t.Errorf("%d vehicles: %v", page.Total, err)
	}
	if status, text, _ := said(t, s, "POST", "/v1/vehicles", `{"vin": "new", "customer_id": "kalles"}`); status != http.StatusCreated {
		t.Errorf("%d %s", status, text)
	}
	refused(t, launch(t, nil, "backup", filepath.Join(t.TempDir(), "b"), "--data", data), 1, "pg_dump", "--without-registry")
	backup := filepath.Join(t.TempDir(), "backup")
	if p := run(t, nil, "backup", backup, "--data", data, "--without-registry"); p.code() != 0 {
		t.Errorf("exit code %d, it wrote %s", p.code(), p.stderr)
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	refused(t, launch(t, nil, "serve", "--http", "127.0.0.1:0", "--data", data), 1, "is in PostgreSQL", "--registry")

	restored := filepath.Join(t.TempDir(), "restored")
	if p := run(t, nil, "restore", backup, "--data", restored); p.code() != 0 {
		t.Errorf("exit code %d, it wrote %s", p.code(), p.stderr)
	}
	s = serve(t, restored, "--registry", url)
	if page, err := s.Vehicles(t.Context(), client.VehicleQuery{}); err != nil || page.Total != 11 {
		t.Errorf("%d vehicles: %v", page.Total, err)
	}
	if s.stderr.Contains("opensesame") || copied.stderr.Contains("opensesame") {
		t.Error("the password is shown")
	}
}

func TestMigrateMakesTheTables(t *testing.T) {
	url := postgres.Server(t).Database(t)
	for range 2 { // the second time there is nothing to do
		p := run(t, nil, "registry", "migrate", "--registry", url)
		if p.code() != 0 || !p.stderr.Contains("tables of version") {
			t.Errorf("exit code %d, it wrote %s", p.code(), p.stderr)
		}
	}
	p := run(t, []string{"FLEETBEAT_REGISTRY=" + url}, "registry", "status")
	if p.code() != 0 || !p.stdout.Contains("PostgreSQL") || !p.stdout.Contains("vehicles   0\n") {
		t.Errorf("exit code %d, it wrote %s%s", p.code(), p.stdout, p.stderr)
	}
}
