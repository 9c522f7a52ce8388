package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func built(t *testing.T) *Handler {
	t.Helper()
	h, err := New(fstest.MapFS{
		".gitignore":                  {Data: []byte("*")},
		"index.html":                  {Data: []byte(`<root ngCspNonce="__CSP_NONCE__">`)},
		"main-a_B-90xy.js":            {Data: []byte("plain")},
		"main-a_B-90xy.js.br":         {Data: []byte("br")},
		"main-a_B-90xy.js.gz":         {Data: []byte("gz")},
		"favicon.svg":                 {Data: []byte("<svg/>")},
		"media/roboto-ABCD1234.woff2": {Data: []byte("font")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h *Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestFilesComePackedAndAreKeptWhenTheirNamesChangeWithThem(t *testing.T) {
	h := built(t)
	for _, c := range []struct{ path, accept, body, coding, cache string }{
		{"/main-a_B-90xy.js", "gzip, deflate, br", "br", "br", "public, max-age=31536000, immutable"},
		{"/main-a_B-90xy.js", "gzip;q=0.5, br;q=0", "gz", "gzip", "public, max-age=31536000, immutable"},
		{"/main-a_B-90xy.js", "", "plain", "", "public, max-age=31536000, immutable"},
		{"/media/roboto-ABCD1234.woff2", "br", "font", "", "public, max-age=31536000, immutable"},
		{"/favicon.svg", "br", "<svg/>", "", "no-cache"},
	} {
		w := ask(h, http.MethodGet, c.path, "Accept-Encoding", c.accept)
		if w.Body.String() != c.body || w.Header().Get("Content-Encoding") != c.coding || w.Header().Get("Cache-Control") != c.cache {
			t.Errorf("%s with %q: %q %v", c.path, c.accept, w.Body, w.Header())
		}
		again := ask(h, http.MethodGet, c.path, "Accept-Encoding", c.accept, "If-None-Match", w.Header().Get("ETag"))
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s asked for again: %d", c.path, again.Code)
		}
	}
}

func TestEveryPageHasANonceOfItsOwn(t *testing.T) {
	h := built(t)
	first, second := ask(h, http.MethodGet, "/"), ask(h, http.MethodGet, "/vehicles/a.b")
	if first.Body.String() == second.Body.String() || strings.Contains(first.Body.String(), noncePlace) {
		t.Errorf("%s and %s", first.Body, second.Body)
	}
	nonce := strings.TrimSuffix(strings.TrimPrefix(first.Body.String(), `<root ngCspNonce="`), `">`)
	said := first.Header().Get("Content-Security-Policy")
	if !strings.Contains(said, "'nonce-"+nonce+"'") || !strings.Contains(said, "script-src 'self';") {
		t.Errorf("nonce %q, policy %s", nonce, said)
	}
	if first.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("%v", first.Header())
	}
}

func TestOnlyPagesAndFilesThatAreThereAreServed(t *testing.T) {
	h := built(t)
	for _, c := range []struct {
		method, path, accept string
		want                 bool
	}{
		{"GET", "/", "*/*", true},
		{"HEAD", "/vehicles/a.b", "text/html,*/*;q=0.8", true},
		{"GET", "/vehicles/a.b", "*/*", false},
		{"GET", "/main-a_B-90xy.js", "*/*", true},
		{"GET", "/main-AAAAAAAA.js", "*/*", false},
		{"GET", "/.gitignore", "*/*", false},
		{"POST", "/", "text/html", false},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Accept", c.accept)
		if got := h.Serves(r); got != c.want {
			t.Errorf("%s %s with %s: %t", c.method, c.path, c.accept, got)
		}
	}
}

func TestABinaryWithoutADashboardSaysHowToBuildIt(t *testing.T) {
	h, err := New(fstest.MapFS{".gitignore": {Data: []byte("*")}})
	if err != nil {
		t.Fatal(err)
	}
	w := ask(h, http.MethodGet, "/")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
