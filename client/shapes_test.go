package client

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTimesAreMillisecondsInUTC(t *testing.T) {
	stockholm := time.FixedZone("CEST", 2*3600)
	for _, c := range []struct {
		time Time
		json string
	}{
		{Time{}, `null`},
		{At(time.Date(2026, 11, 23, 14, 5, 6, 7_891_234, stockholm)), `"2026-11-23T12:05:06.007Z"`},
		{Time{time.Date(2026, 11, 23, 14, 5, 6, 0, stockholm)}, `"2026-11-23T12:05:06.000Z"`},
	} {
		data, err := json.Marshal(c.time)
		if err != nil || string(data) != c.json {
			t.Errorf("%v is written %s (%v), want %s", c.time, data, err, c.json)
		}
		var back Time
		if err := json.Unmarshal(data, &back); err != nil || !back.Equal(c.time.Time) {
			t.Errorf("%s is read %v (%v), want %v", data, back, err, c.time)
		}
	}
	for _, bad := range []string{`"yesterday"`, `7`, `"2026-11-23"`, `""`, `{}`} {
		if err := json.Unmarshal([]byte(bad), &Time{}); err == nil {
			t.Errorf("%s passes for a time", bad)
		}
	}
}

func TestSecondsAreExactToTheMillisecond(t *testing.T) {
	for _, d := range []time.Duration{time.Millisecond, 90 * time.Second, 1001 * time.Millisecond, 366 * 24 * time.Hour, 4*time.Hour + 3*time.Millisecond} {
		if back := SecondsOf(d).Duration(); back != d {
			t.Errorf("%v comes back as %v", d, back)
		}
	}
}

func TestSecondsBeyondAllDurationsAreTheLongest(t *testing.T) {
	for _, s := range []Seconds{1e300, 1e17, 18446744073.709552, 1844674407370.9} {
		if d := s.Duration(); d < 290*365*24*time.Hour {
			t.Errorf("%v s become %v", float64(s), d)
		}
		if d := (-s).Duration(); d > -290*365*24*time.Hour {
			t.Errorf("%v s become %v", -float64(s), d)
		}
	}
}

func TestPatchSaysWhatItChangesAndNoMore(t *testing.T) {
	name := "DEF456"
	for _, c := range []struct {
		patch VehiclePatch
		json  string
	}{
		{VehiclePatch{}, `{}`},
		{VehiclePatch{RegistrationNumber: &name}, `{"registration_number":"DEF456"}`},
		{VehiclePatch{OwnPolicy: PolicyPatch{Given: true}}, `{"own_policy":null}`},
		{VehiclePatch{OwnPolicy: PolicyPatch{Given: true, Policy: Policy{2, 4.5}}}, `{"own_policy":{"late_after":2,"offline_after":4.5}}`},
	} {
		data, err := json.Marshal(c.patch)
		if err != nil || string(data) != c.json {
			t.Errorf("%+v is written %s (%v), want %s", c.patch, data, err, c.json)
		}
		var back VehiclePatch
		if err := json.Unmarshal(data, &back); err != nil || back.OwnPolicy != c.patch.OwnPolicy {
			t.Errorf("%s is read %+v (%v)", data, back, err)
		}
	}
}
