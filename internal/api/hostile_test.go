package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fleetbeat/fleetbeat/client"
)

// TestHostileBodiesGetTheirProblem sends what browsers, broken programs and attackers send to a call that writes.
func TestHostileBodiesGetTheirProblem(t *testing.T) {
	h := newHarness(t)
	must(h.client.CreateCustomer(t.Context(), client.NewCustomer{ID: "c", Name: "C"}))(t) // else any body would be refused for that
	vehicle := func(members string) string { return `{"vin":"A","customer_id":"c",` + members + `}` }
	manyTags := ""
	for i := range 20_000 {
		manyTags += fmt.Sprintf(`"x%d",`, i)
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"nothing":                {``, 400},
		"blanks":                 {"  \n", 400},
		"null":                   {`null`, 422},
		"a list":                 {`[]`, 422},
		"a number":               {`7`, 422},
		"cut off":                {`{"vin":"A"`, 400},
		"two documents":          {`{"vin":"A","customer_id":"c"}{}`, 400},
		"trailing bytes":         {`{"vin":"A","customer_id":"c"} x`, 400},
		"byte order mark":        {"\ufeff{\"vin\":\"A\",\"customer_id\":\"c\"}", 400},
		"duplicate name":         {vehicle(`"vin":"B"`), 400},
		"wrong case":             {`{"VIN":"A","customer_id":"c"}`, 422},
		"long s for s":           {vehicle(`"tagſ":[]`), 422},
		"wrong case, not needed": {vehicle(`"Paused":true`), 422},
		"wrong case, inside":     {vehicle(`"own_policy":{"Late_after":5,"offline_after":6}`), 422},
		"unknown name":           {vehicle(`"role":"admin"`), 422},
		"a field of the answer":  {vehicle(`"heartbeats":7`), 422},
		"invalid UTF-8":          {"{\"vin\":\"A\xff\",\"customer_id\":\"c\"}", 400},
		"lone surrogate":         {vehicle(`"registration_number":"\ud800"`), 400},
		"raw NUL":                {"{\"vin\":\"A\x00\"}", 400},
		"escaped NUL":            {`{"vin":"A\u0000","customer_id":"c"}`, 422},
		"UTF-16":                 {"\xff\xfe{\x00}\x00", 400},
		"NaN":                    {vehicle(`"paused":NaN`), 400},
		"overflow":               {vehicle(`"own_policy":{"late_after":1e400,"offline_after":2}`), 400},
		"number for text":        {`{"vin":7,"customer_id":"c"}`, 422},
		"text for number":        {vehicle(`"own_policy":{"late_after":"1","offline_after":2}`), 422},
		"list for text":          {`{"vin":["A"],"customer_id":"c"}`, 422},
		"null for text":          {`{"vin":null,"customer_id":"c"}`, 422},
		"negative time":          {vehicle(`"own_policy":{"late_after":-1,"offline_after":2}`), 422},
		"time beyond 2^63":       {vehicle(`"own_policy":{"late_after":2,"offline_after":1e300}`), 422},
		"times beyond 2^63":      {vehicle(`"own_policy":{"late_after":1e300,"offline_after":1e300}`), 422},
		"times that wrap round":  {vehicle(`"own_policy":{"late_after":1844674407370.9,"offline_after":1844674407370.9}`), 422},
		"a policy of nothing":    {vehicle(`"own_policy":{"late_after":0,"offline_after":0}`), 422},
		"half a policy":          {vehicle(`"own_policy":{"late_after":1}`), 422},
		"ten deep":               {vehicle(`"tags":[[[[[[[[[["x"]]]]]]]]]]`), 400},
		"ten thousand deep":      {strings.Repeat("[", 10_000), 400},
		"twenty thousand tags":   {vehicle(`"tags":[` + manyTags + `"x"]`), 422},
		"long text":              {`{"vin":"` + strings.Repeat("A", 200_000) + `","customer_id":"c"}`, 422},
		"too long":               {`{"vin":"` + strings.Repeat("A", maxBody) + `"}`, 413},
		"slash in the VIN":       {`{"vin":"A/B","customer_id":"c"}`, 422},
		"line break in a text":   {vehicle(`"registration_number":"A\r\nB"`), 422},
		"unknown customer":       {`{"vin":"A","customer_id":"d"}`, 422},
	} {
		t.Run(name, func(t *testing.T) {
			h.T = t
			problem := h.refused(h.send(http.MethodPost, "/v1/vehicles", "application/json", c.body), c.status)
			if len(fmt.Sprint(problem)) > 8<<10 {
				t.Errorf("the problem repeats what it was sent: %d bytes", len(fmt.Sprint(problem)))
			}
		})
	}
	h.T = t
	if page := must(h.client.Vehicles(t.Context(), client.VehicleQuery{}))(t); page.Total != 0 {
		t.Errorf("%d vehicles came of it", page.Total)
	}
}

func TestPatchesAreReadAsStrictly(t *testing.T) {
	h := newHarness(t)
	must(h.client.CreateCustomer(t.Context(), client.NewCustomer{ID: "c", Name: "C"}))(t)
	for _, body := range []string{
		`{"Name":"D"}`,
		`{"name":"D","own_Policy":null}`,
		`{"name":"D","own_policy":{"Late_after":5,"offline_after":6}}`,
		`{"name":"D","own_policy":{"late_after":0,"offline_after":0}}`,
		`{"name":"D","own_policy":{"late_after":5,"offline_after":6,"x":7}}`,
	} {
		h.refused(h.send(http.MethodPatch, "/v1/customers/c", "application/json", body), 422)
	}
	if c := must(h.client.Customer(t.Context(), "c"))(t); c.Name != "C" || c.OwnPolicy != nil {
		t.Errorf("the customer became %+v", c)
	}
}

func TestHostileRequestsGetTheirProblem(t *testing.T) {
	h := newHarness(t)
	valid := `{"id":"c","name":"C"}`
	for _, c := range []struct {
		method, path, contentType, body string
		status                          int
	}{
		{"GET", "/nowhere", "", "", 404},
		{"GET", "/v1", "", "", 404},
		{"GET", "/v1/vehicles/", "", "", 404},
		{"GET", "/v1//vehicles", "", "", 404},
		{"GET", "/v1/../v1/vehicles", "", "", 404},
		{"GET", "/v1/vehicles/%2e%2e/%2e%2e", "", "", 404},
		{"GET", "/v1/vehicles/%2f..", "", "", 404},
		{"GET", "/v1/vehicles/..%5c", "", "", 404},
		{"GET", "/v1/vehicles/%00", "", "", 404},
		{"GET", "/v1/vehicles/%ff", "", "", 404},
		{"GET", "/v1/vehicles/" + strings.Repeat("A", 4000), "", "", 404},
		{"GET", "/v1/customers/none", "", "", 404},
		{"PATCH", "/v1/customers/none", "application/json", `{}`, 404},
		{"DELETE", "/v1/vehicles/none", "", "", 404},
		{"POST", "/v1/vehicles/none/pause", "", "", 404},
		{"DELETE", "/v1/vehicles", "", "", 405},
		{"PUT", "/v1/vehicles/A", "application/json", `{}`, 405},
		{"TRACE", "/v1/vehicles", "", "", 405},
		{"BREW", "/", "", "", 405},
		{"POST", "/docs", "", "", 405},
		{"POST", "/v1/customers", "text/plain", valid, 415},
		{"POST", "/v1/customers", "application/x-www-form-urlencoded", "id=c&name=C", 415},
		{"POST", "/v1/customers", "application/json;=", valid[:5], 400},
		{"POST", "/v1/import", "application/json", "{}", 415},
		{"POST", "/v1/import", "", "vin\n", 415},
		{"POST", "/v1/import?dryrun=true", "text/csv", "vin,customer_name\nA,C\n", 422},
		{"GET", "/v1/export?format=xlsx", "", "", 422},
		{"POST", "/v1/import?partial=maybe", "text/csv", "vin\n", 422},
		{"GET", "/v1/vehicles?presence=gone", "", "", 422},
		{"GET", "/v1/vehicles?presence=online,", "", "", 422},
		{"GET", "/v1/vehicles?Presence=online", "", "", 422},
		{"GET", "/v1/vehicles?customers=c", "", "", 422},
		{"GET", "/v1/vehicles?limit=0", "", "", 422},
		{"GET", "/v1/vehicles?limit=1001", "", "", 422},
		{"GET", "/v1/vehicles?limit=-1", "", "", 422},
		{"GET", "/v1/vehicles?limit=1e2", "", "", 422},
		{"GET", "/v1/vehicles?limit=99999999999999999999", "", "", 422},
		{"GET", "/v1/vehicles?sort=colour", "", "", 422},
		{"GET", "/v1/vehicles?cursor=!!!", "", "", 422},
		{"GET", "/v1/vehicles?cursor=" + strings.Repeat("A", 3000), "", "", 422},
		{"GET", "/v1/vehicles?q=" + strings.Repeat("A", 201), "", "", 422},
		{"GET", "/v1/vehicles?min_position=-1", "", "", 422},
		{"GET", "/v1/customers?cursor=!!!", "", "", 422},
		{"GET", "/v1/transitions?to=gone", "", "", 422},
		{"GET", "/v1/transitions?cursor=!", "", "", 422},
		{"GET", "/v1/unregistered?cursor=x", "", "", 422},
		{"GET", "/search?online=yes", "", "", 400},
		{"GET", "/search?online=", "", "", 400},
		{"GET", "/search?online=TRUE", "", "", 400},
		{"GET", "/search?online=true&online=false", "", "", 400},
		{"GET", "/v1/live?grid=maybe", "", "", 422},
	} {
		name := fmt.Sprintf("%s %.60s", c.method, c.path)
		t.Run(name, func(t *testing.T) {
			h.T = t
			h.refused(h.send(c.method, c.path, c.contentType, c.body), c.status)
		})
	}
	h.T = t
}

func TestPagesOfOtherOriginsMayNotWrite(t *testing.T) {
	h := newHarness(t)
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.http.URL+"/v1/customers", strings.NewReader(`{"name":"C"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set(header, value)
		answer, err := h.http.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		h.refused(answer, http.StatusForbidden)
		answer.Body.Close()
	}
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	h := newHarness(t)
	for _, path := range []string{"/docs", "/openapi.json", "/v1/vehicles", "/v1/vehicles/none", "/nowhere", "/metrics", "/healthz", "/search"} {
		header := h.get(path).Header
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
		if header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s lets other origins read it", path)
		}
	}
}

func TestNothingIsToldBeforeTheServerIsReady(t *testing.T) {
	var waiting atomic.Bool
	waiting.Store(true)
	h := newHarness(t, withDoors(t), func(cfg *Config) {
		cfg.Ready = func() error {
			if waiting.Load() {
				return errors.New("reading the log: 7 batches to go")
			}
			return nil
		}
	})
	paths := []string{"/readyz", "/v1/vehicles", "/v1/summary", "/v1/live", "/v1/grid", "/v1/export", "/v1/customers", "/search"}
	for _, path := range paths {
		answer := h.get(path)
		problem := h.refused(answer, http.StatusServiceUnavailable)
		if !strings.Contains(problem.Detail, "7 batches") || answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s says %+v", path, problem)
		}
	}
	for _, path := range []string{"/", "/docs", "/healthz", "/metrics", "/search/ping", "/heartbeat/ping"} {
		if answer := h.get(path); answer.StatusCode != http.StatusOK {
			t.Errorf("%s is answered %s", path, answer.Status)
		}
	}
	waiting.Store(false)
	for _, path := range paths {
		if answer := h.get(path); answer.StatusCode != http.StatusOK {
			t.Errorf("ready, %s is answered %s", path, answer.Status)
		}
	}
}
