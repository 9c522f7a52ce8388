package api

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/ingest"
)

// withDoors adds the doors of heartbeats, on a log of their own to which nobody commits.
func withDoors(t *testing.T) func(*Config) {
	t.Helper()
	log, err := eventlog.Open(t.Context(), eventlog.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	committer, err := ingest.NewCommitter(ingest.CommitterConfig{Log: log, Window: ingest.NewWindow()})
	if err != nil {
		t.Fatal(err)
	}
	unregistered := ingest.NewUnregistered(ingest.UnregisteredConfig{})
	doors, err := ingest.NewDoors(ingest.DoorsConfig{
		Committer: committer, Vehicles: ingest.NewSet(), Unregistered: unregistered,
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(cfg *Config) { cfg.Doors, cfg.Unregistered = doors, unregistered }
}

// openAPIDocument is what the tests read of the document.
type openAPIDocument struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Tags        []string
		Parameters  []struct {
			Name, In string
			Required bool
			Schema   map[string]any
		}
		Responses map[string]struct{ Description string }
	}
	Components struct{ Schemas map[string]map[string]any }
}

func readDocument(t *testing.T, s *server) (doc openAPIDocument, raw map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	for _, into := range []any{&doc, &raw} {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
	return doc, raw
}

func TestDocumentAndRouterSayTheSame(t *testing.T) {
	h := newHarness(t, withDoors(t))
	doc, _ := readDocument(t, h.server)
	var documented []string
	for path, operations := range doc.Paths {
		for method := range operations {
			method = strings.ToUpper(method)
			documented = append(documented, method+" "+path)
			example := strings.NewReplacer("{", "", "}", "").Replace(path)
			_, pattern := h.server.router.ServeMux.Handler(httptest.NewRequest(method, example, nil))
			want := method + " " + path
			if path == "/" {
				want += "{$}"
			}
			if pattern != want {
				t.Errorf("the document has %s, which the router answers by %q", want, pattern)
			}
		}
	}
	for _, pattern := range h.server.router.patterns {
		if !slices.Contains(documented, strings.TrimSuffix(pattern, "{$}")) {
			t.Errorf("the router has %s, which the document lacks", pattern)
		}
	}
}

func TestDocumentIsWellFormedOpenAPI31(t *testing.T) {
	h := newHarness(t, withDoors(t))
	doc, raw := readDocument(t, h.server)
	if doc.OpenAPI != "3.1.0" || doc.Info.Title == "" || doc.Info.Version == "" {
		t.Errorf("openapi %q, info %+v", doc.OpenAPI, doc.Info)
	}
	ids := map[string]string{}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			where := method + " " + path
			if other := ids[op.OperationID]; other != "" || op.OperationID == "" {
				t.Errorf("%s and %s share the operation id %q", where, other, op.OperationID)
			}
			ids[op.OperationID] = where
			if op.Summary == "" || len(op.Tags) != 1 || len(op.Responses) == 0 {
				t.Errorf("%s lacks a summary, its one tag or answers: %+v", where, op)
			}
			for status, answer := range op.Responses {
				if answer.Description == "" {
					t.Errorf("%s: answer %s lacks a description", where, status)
				}
			}
			inPath := map[string]bool{}
			for _, p := range op.Parameters {
				if p.Schema == nil || p.In == "path" && !p.Required {
					t.Errorf("%s: parameter %s is not well formed", where, p.Name)
				}
				inPath[p.Name] = p.In == "path"
			}
			for segment := range strings.SplitSeq(path, "/") {
				if name, ok := strings.CutPrefix(segment, "{"); ok && !inPath[strings.TrimSuffix(name, "}")] {
					t.Errorf("%s: %s is not described", where, segment)
				}
			}
		}
	}
	checkReferences(t, "", raw, doc.Components.Schemas)
	for _, schema := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		checkSchema(t, schema, doc.Components.Schemas[schema])
	}
}

// checkReferences finds references to schemas that the document lacks.
func checkReferences(t *testing.T, where string, node any, schemas map[string]map[string]any) {
	t.Helper()
	switch node := node.(type) {
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok {
			if _, known := schemas[strings.TrimPrefix(ref, schemaPrefix)]; !known {
				t.Errorf("%s refers to %s, which is not there", where, ref)
			}
		}
		for name, child := range node {
			checkReferences(t, where+"/"+name, child, schemas)
		}
	case []any:
		for _, child := range node {
			checkReferences(t, where, child, schemas)
		}
	}
}

// checkSchema finds what code generators stumble over: lists that may be null, required fields that are not there.
func checkSchema(t *testing.T, name string, schema map[string]any) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, field := range required {
		if _, ok := properties[field.(string)]; !ok {
			t.Errorf("%s requires %v, which it lacks", name, field)
		}
	}
	for field, property := range properties {
		types, _ := property.(map[string]any)["type"].([]any)
		if slices.Contains(types, any("array")) {
			t.Errorf("%s.%s may be null instead of a list", name, field)
		}
	}
}

func TestDocsSayWhatIsAllowed(t *testing.T) {
	h := newHarness(t)
	page, err := io.ReadAll(h.get("/docs").Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<td>query</td><td>vin, -vin, registration_number", "list of unknown, online, late, offline, paused"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestDocumentHasTheRefusals(t *testing.T) {
	doc, _ := readDocument(t, newHarness(t, withDoors(t)).server)
	for _, want := range []struct{ method, path, status string }{
		{"post", "/heartbeat/{vehicle_id}", "400"},
		{"post", "/heartbeat/{vehicle_id}", "404"},
		{"post", "/v1/vehicles/{vin}/heartbeats", "400"},
		{"post", "/v1/vehicles/{vin}/heartbeats", "415"},
		{"post", "/v1/heartbeats", "413"},
		{"patch", "/v1/vehicles/{vin}", "408"},
		{"put", "/v1/policy", "408"},
		{"get", "/v1/vehicles", "422"},
		{"get", "/v1/live", "503"},
	} {
		if _, ok := doc.Paths[want.path][want.method].Responses[want.status]; !ok {
			t.Errorf("%s %s is not said to answer %s", want.method, want.path, want.status)
		}
	}
}

func TestPagesForPeopleRunUnderTheirPolicy(t *testing.T) {
	h := newHarness(t)
	for _, path := range []string{"/docs"} {
		answer := h.get(path)
		page, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		policy := answer.Header.Get("Content-Security-Policy")
		style := between(string(page), "<style>", "</style>")
		if !strings.Contains(policy, "style-src "+hashSource(style)) {
			t.Errorf("%s: the policy %q does not allow the page's style", path, policy)
		}
		for _, never := range []string{"unsafe-inline", "unsafe-eval", "*"} {
			if strings.Contains(policy, never) {
				t.Errorf("%s: the policy has %s", path, never)
			}
		}
		for _, never := range []string{" style=", " onclick=", " onload=", "https://", "http://", "//unpkg"} {
			if strings.Contains(string(page), never) {
				t.Errorf("%s: the page has %q, which the policy forbids or which leaves the machine", path, never)
			}
		}
	}
}
