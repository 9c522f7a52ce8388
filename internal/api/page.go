package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// describePage registers the dashboard, which is at / and at every path that a browser goes to and the API has not.
func (s *server) describePage() {
	s.raw(huma.Operation{
		OperationID: "page", Method: http.MethodGet, Path: "/", Tags: []string{"machines"},
		Summary: "The dashboard", Responses: answers("The page", "text/html", nil),
	}, func(w http.ResponseWriter, r *http.Request) { s.cfg.Page.ServeHTTP(w, r) })
}

// fallback answers what no pattern matches: the dashboard's screens and files, else a problem.
func (s *server) fallback(w http.ResponseWriter, r *http.Request) {
	if isAPI(r.URL.Path) || !s.cfg.Page.Serves(r) {
		s.router.unknown(w, r)
		return
	}
	setHeaders(w.Header())
	s.cfg.Page.ServeHTTP(w, r)
}

// isAPI says whether a path belongs to programs, so that what is unknown there is a problem and not the dashboard.
func isAPI(path string) bool {
	for _, prefix := range [...]string{"/v1", "/heartbeat", "/search", "/docs", "/openapi", "/healthz", "/readyz", "/metrics"} {
		rest, ok := strings.CutPrefix(path, prefix)
		if ok && (rest == "" || rest[0] == '/' || rest[0] == '.') {
			return true
		}
	}
	return false
}
