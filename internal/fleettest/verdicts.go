package fleettest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/client"
)

// Deadline is the moment at which a vehicle is late or offline that was heard last at a moment, when silence of a length
// leads to that: its deadline restarts with each gap before it. Gaps are as the server lists them, newest first.
func Deadline(last time.Time, gaps []client.Gap, length time.Duration) time.Time {
	deadline := last.Add(length)
	for _, gap := range slices.Backward(gaps) {
		if gap.To.After(last) && !deadline.Before(gap.From.Time) {
			deadline = gap.To.Add(length)
		}
	}
	return deadline
}

// JustVerdicts fails the test for each time that a witness was told that a vehicle was late or offline which was not
// quiet for so long. What a busy machine did to a vehicle of the test is noted, and no fault of the server.
func JustVerdicts(t testing.TB, w *Witness, v *Vehicles, p client.Policy) {
	t.Helper()
	for _, told := range w.Transitions() {
		length := map[client.Presence]time.Duration{
			client.Late: p.LateAfter.Duration(), client.Offline: p.OfflineAfter.Duration(),
		}[told.To]
		switch {
		case length == 0:
		case !v.Quiet(told.VIN, told.At.Time, length):
			t.Errorf("%s was called %s at %s, and was not quiet in the %s before", told.VIN, told.To, told.At, length)
		case v.Driving(told.VIN):
			t.Logf("%s was too slow, because the machine is: %s at %s", told.VIN, told.To, told.At)
		}
	}
}

// Silent returns when a vehicle that reports no more is offline, and fails the test unless it was late and then offline
// at the very moments that its policy, its last heartbeat and the gaps say.
func Silent(t testing.TB, c *client.Client, w *Witness, p client.Policy, vin string) {
	t.Helper()
	var vehicle client.Vehicle
	Eventually(t, vin+" is offline", func() (err error) {
		if vehicle, err = c.Vehicle(t.Context(), vin); err == nil && vehicle.Presence != client.Offline {
			err = errNotYet
		}
		return err
	})
	gaps, err := c.Gaps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.CatchUp(t)
	told := w.Of(vin)
	want := []client.Transition{
		{VIN: vin, From: client.Online, To: client.Late, At: client.At(Deadline(vehicle.LastHeartbeatAt.Time, gaps.Items, p.LateAfter.Duration()))},
		{VIN: vin, From: client.Late, To: client.Offline, At: client.At(Deadline(vehicle.LastHeartbeatAt.Time, gaps.Items, p.OfflineAfter.Duration()))},
	}
	last := told[max(0, len(told)-len(want)):]
	for i := range last {
		last[i].Position = 0
	}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Errorf("%s was heard last at %s, gaps are %+v: want -, told +\n%s", vin, vehicle.LastHeartbeatAt, gaps.Items, diff)
	}
}

// Transitions are all that the server remembers, oldest first.
func Transitions(t testing.TB, c *client.Client) []client.Transition {
	t.Helper()
	var all []client.Transition
	for query := (client.TransitionQuery{Limit: 1000}); ; {
		page, err := c.Transitions(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if page.NextCursor == nil {
			slices.Reverse(all)
			return all
		}
		query.Cursor = *page.NextCursor
	}
}
