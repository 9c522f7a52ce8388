package app_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/app"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/fleettest"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
	"github.com/fleetbeat/fleetbeat/internal/natstest"
)

func TestNodeRefusesToBeginBesideOneOfItsName(t *testing.T) {
	shared := &eventlog.Shared{URLs: natstest.Start(t, 1, "", "").URLs()}
	fleettest.Start(t, func(c *app.Config) { c.Shared, c.Node = shared, "a" })
	second, err := app.New(t.Context(), app.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Shared: shared, Node: "a"})
	if !errors.Is(err, ingest.ErrTaken) {
		t.Errorf("beside a living node of its name: %v", err)
	}
	if err == nil {
		_ = second.Close()
	}
	fleettest.Start(t, func(c *app.Config) { c.Shared, c.Node = shared, "b" })
}

func TestNodeOfOneRoleAnswersForThatAlone(t *testing.T) {
	shared := &eventlog.Shared{URLs: natstest.Start(t, 1, "", "").URLs()}
	doors := fleettest.Start(t, func(c *app.Config) { c.Shared, c.Node, c.Roles = shared, "doors", app.Roles{Ingest: true} })
	view := fleettest.Start(t, func(c *app.Config) { c.Shared, c.Node, c.Roles = shared, "view", app.Roles{Query: true} })
	for _, c := range []struct {
		method, url string
		status      int
		says        string
	}{
		{http.MethodGet, doors.URL + "/heartbeat/ping", http.StatusOK, "pong"},
		{http.MethodGet, doors.URL + "/readyz", http.StatusOK, "ok"},
		{http.MethodGet, doors.URL + "/metrics", http.StatusOK, "fleetbeat_ingest"},
		{http.MethodPost, doors.URL + "/heartbeat/NOBODY", http.StatusNotFound, "no vehicle is registered"},
		{http.MethodGet, doors.URL + "/v1/vehicles", http.StatusNotFound, "only takes heartbeats"},
		{http.MethodGet, doors.URL + "/", http.StatusNotFound, "only takes heartbeats"},
		{http.MethodGet, view.URL + "/v1/summary", http.StatusOK, `"name":"doors"`},
		{http.MethodGet, view.URL + "/search/ping", http.StatusOK, "pong"},
		{http.MethodPost, view.URL + "/heartbeat/NOBODY", http.StatusNotFound, ""},
		{http.MethodGet, view.URL + "/v1/unregistered", http.StatusOK, `"vin":"NOBODY"`},
	} {
		fleettest.Eventually(t, c.method+" "+c.url, func() error {
			request, err := http.NewRequestWithContext(t.Context(), c.method, c.url, nil)
			if err != nil {
				return err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if response.StatusCode != c.status || !strings.Contains(string(text), c.says) {
				err = errors.Join(err, errors.New(response.Status+": "+string(text)))
			}
			return err
		})
	}
}

func TestNodeOfOneRoleNeedsASharedLog(t *testing.T) {
	_, err := app.New(t.Context(), app.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Roles: app.Roles{Query: true}})
	if err == nil || !strings.Contains(err.Error(), "shares with nodes of the other") {
		t.Errorf("it began: %v", err)
	}
}
