package api

import (
	_ "embed"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed page.html
var pageHTML string

// describePage registers the plain page that stands at / until the dashboard comes.
func (s *server) describePage() error {
	style, ok1 := between(pageHTML, "<style>", "</style>")
	script, ok2 := between(pageHTML, "<script>", "</script>")
	if !ok1 || !ok2 {
		return fmt.Errorf("reading the page: it lacks its style or script")
	}
	policy := "default-src 'none'; style-src " + hashSource(style) + "; script-src " + hashSource(script) +
		"; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	s.raw(huma.Operation{
		OperationID: "page", Method: http.MethodGet, Path: "/", Tags: []string{"machines"},
		Summary: "A plain page for people, until the dashboard comes", Responses: answers("The page", "text/html", nil),
	}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		writeBytes(w, "text/html; charset=utf-8", []byte(pageHTML))
	})
	return nil
}

func between(text, from, to string) (string, bool) {
	_, rest, ok := strings.Cut(text, from)
	inside, _, ok2 := strings.Cut(rest, to)
	return inside, ok && ok2
}
