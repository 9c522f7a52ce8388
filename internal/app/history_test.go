package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

const someVIN = "YS2R4X20005399401"

// TestWhatWasHeardCanBeAskedAtOnceAndPageByPage: an acknowledged heartbeat is in the history's answers, as JSON and as CSV.
func TestWhatWasHeardCanBeAskedAtOnceAndPageByPage(t *testing.T) {
	t.Parallel()
	s := original(t)
	before := client.At(time.Now().Add(-time.Minute))
	var ids []string
	for range 5 {
		accepted, err := s.Heartbeat(t.Context(), someVIN, client.NewHeartbeat{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, accepted.ID)
	}
	var found []string
	q := client.HeartbeatQuery{From: before, Limit: 2}
	for {
		page, err := s.VehicleHeartbeats(t.Context(), someVIN, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range page.Items {
			found = append([]string{h.ID}, found...)
		}
		if page.NextCursor == nil {
			break
		}
		q.Cursor = *page.NextCursor
	}
	if strings.Join(found, " ") != strings.Join(ids, " ") {
		t.Errorf("heartbeats %v were acknowledged, %v are kept", ids, found)
	}
	text := call(t, http.MethodGet, s.URL+"/v1/vehicles/"+someVIN+"/heartbeats.csv?from="+before.String(), "", http.StatusOK)
	if lines := strings.Split(strings.TrimSpace(text), "\r\n"); len(lines) != 6 || !strings.HasPrefix(lines[1], ids[4]+",") {
		t.Errorf("the file does not have the five heartbeats, newest first:\n%s", text)
	}
	changes, err := s.Transitions(t.Context(), client.TransitionQuery{Vehicle: someVIN, From: before, To: []client.Presence{client.Online}})
	if err != nil || len(changes.Items) != 1 || changes.Items[0].VIN != someVIN {
		t.Errorf("the vehicle went online once: %+v, %v", changes, err)
	}
	text = call(t, http.MethodGet, s.URL+"/v1/transitions.csv?customer=kalles&from="+before.String(), "", http.StatusOK)
	if !strings.Contains(text, someVIN+",unknown,online,") {
		t.Errorf("the file does not have the transition:\n%s", text)
	}
	call(t, http.MethodGet, s.URL+"/v1/vehicles/"+someVIN+"/heartbeats?cursor=wrong", "", http.StatusUnprocessableEntity)
	call(t, http.MethodGet, s.URL+"/v1/vehicles/NOBODY/heartbeats.csv", "", http.StatusNotFound)
}
