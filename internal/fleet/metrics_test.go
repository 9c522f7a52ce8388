package fleet_test

import (
	"bytes"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

func TestMetricsSayWhatTheViewSays(t *testing.T) {
	registry := prometheus.NewRegistry()
	// A load that does not succeed leaves nothing behind: another may follow.
	if _, err := fleet.Load(fleet.Config{Registerer: registry}, bytes.NewReader(smallSaved(t)[:100])); err == nil {
		t.Fatal("half a view was loaded")
	}
	v, err := fleet.Load(fleet.Config{Registerer: registry}, bytes.NewReader(smallSaved(t)))
	must(err)
	sub, err := v.Subscribe("")
	must(err)
	defer sub.Close()
	query(t, v, fleet.Query{Text: "x"})
	got := map[string]float64{}
	families, err := registry.Gather()
	must(err)
	for _, family := range families {
		for _, m := range family.Metric {
			name := family.GetName()
			for _, label := range m.Label {
				name += " " + label.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	summary := v.Summary()
	for p, n := range summary.Presences {
		if name := "fleetbeat_fleet_vehicles " + event.Presence(p).String(); got[name] != float64(n) {
			t.Errorf("%s is %v, not %d", name, got[name], n)
		}
	}
	for name, want := range map[string]float64{
		"fleetbeat_fleet_listening_proven_seconds": float64(summary.Listening.Proof) / 1000,
		"fleetbeat_fleet_gaps_total":               float64(len(v.Gaps())),
		"fleetbeat_fleet_subscribers":              1,
		"fleetbeat_fleet_resyncs_total":            0,
		"fleetbeat_fleet_remembered_bytes":         float64(v.Remembered()),
	} {
		if got[name] != want {
			t.Errorf("%s is %v, not %v", name, got[name], want)
		}
	}
	if got["fleetbeat_fleet_transitions_total"] == 0 {
		t.Error("no transitions are counted")
	}
}
