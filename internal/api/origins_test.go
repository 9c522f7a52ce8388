package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnlyPagesOfTrustedOriginsMayUseTheAPI(t *testing.T) {
	const ours, theirs = "https://fleet.example.com", "https://evil.example.com"
	h := newHarness(t, func(cfg *Config) { cfg.WebOrigins = []string{ours} })
	for _, c := range []struct {
		name, method, origin string
		asks                 string // the method that a browser asks for before it sends
		status               int
		allowed              string
	}{
		{"a read of ours", http.MethodGet, ours, "", 200, ours},
		{"a read of theirs, which its browser keeps from it", http.MethodGet, theirs, "", 200, ""},
		{"a read without a page", http.MethodGet, "", "", 200, ""},
		{"a write of ours", http.MethodPost, ours, "", 201, ours},
		{"a write of theirs", http.MethodPost, theirs, "", 403, ""},
		{"a question of ours", http.MethodOptions, ours, http.MethodPatch, 204, ours},
		{"a question of theirs", http.MethodOptions, theirs, http.MethodPatch, 405, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, body := "/v1/customers", `{"id":"a","name":"A"}`
			if c.method == http.MethodGet {
				path, body = "/v1/summary", ""
			}
			r := httptest.NewRequest(c.method, path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			}
			if c.asks != "" {
				r.Header.Set("Access-Control-Request-Method", c.asks)
			}
			w := httptest.NewRecorder()
			h.server.handler().ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("answered %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != c.allowed {
				t.Errorf("allows %q, want %q", got, c.allowed)
			}
			if w.Header().Get("Vary") != "Origin" {
				t.Errorf("a cache may hand it to another origin: Vary is %q", w.Header().Get("Vary"))
			}
		})
	}
}

func TestAnOriginIsWrittenAsBrowsersWriteIt(t *testing.T) {
	for _, right := range []string{"https://fleet.example.com", "http://127.0.0.1:8080"} {
		if err := CheckOrigin(right); err != nil {
			t.Error(err)
		}
	}
	for _, wrong := range []string{"", "*", "null", "fleet.example.com", "https://fleet.example.com/", "https://a/b", "ftp://a", "https://a?b", "https://u@a"} {
		if CheckOrigin(wrong) == nil {
			t.Errorf("%q is taken for an origin", wrong)
		}
	}
}
