package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/fleetbeat/fleetbeat/web"
)

func TestTheDashboardSwallowsNoPathOfTheAPI(t *testing.T) {
	page, err := web.New(fstest.MapFS{"index.html": {Data: []byte("the dashboard")}, "favicon.svg": {Data: []byte("<svg/>")}})
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, func(cfg *Config) { cfg.Page = page })
	for _, c := range []struct {
		path, accept string
		status       int
	}{
		{"/", "*/*", 200},
		{"/vehicles/a.b", "text/html", 200},
		{"/favicon.svg", "*/*", 200},
		{"/customers/x", "*/*", 404},
		{"/main-AAAAAAAA.js", "*/*", 404},
		{"/v1/nothing", "text/html", 404},
		{"/v1", "text/html", 404},
		{"/heartbeat/a/b", "text/html", 404},
		{"/openapi.xml", "text/html", 404},
		{"/docs/more", "text/html", 404},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Header.Set("Accept", c.accept)
		w := httptest.NewRecorder()
		h.server.handler().ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s for %s is answered %d, want %d", c.path, c.accept, w.Code, c.status)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s lacks the headers of every answer", c.path)
		}
	}
}
