package fleet_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

// smallSaved is a saved view with something of everything.
func smallSaved(t testing.TB) []byte {
	v, log := watched(fleet.Config{}, 20)
	for range 20 {
		must(v.Apply(log.next(30)))
	}
	log.now += 60_000
	must(v.Apply(log.next(0)))
	must(v.Apply(log.paused(true)))
	must(v.Update(fleet.Update{RemovedVehicles: []event.VehicleID{3}, RemovedCustomers: []event.CustomerID{2}}))
	return saved(t, v)
}

func TestWhatIsCutShortIsNotLoaded(t *testing.T) {
	whole := smallSaved(t)
	for n := range whole {
		if _, err := fleet.Load(fleet.Config{}, bytes.NewReader(whole[:n])); !errors.Is(err, fleet.ErrSnapshot) {
			t.Fatalf("%d of %d bytes give %v", n, len(whole), err)
		}
	}
	if _, err := fleet.Load(fleet.Config{}, bytes.NewReader(append(whole, 0))); !errors.Is(err, fleet.ErrSnapshot) {
		t.Fatalf("a byte too many gives %v", err)
	}
}

func TestAnErrorOfTheReaderIsPassedOn(t *testing.T) {
	broken := errors.New("disk is gone")
	if _, err := fleet.Load(fleet.Config{}, brokenReader{broken}); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if err := fleet.New(fleet.Config{}).Save(brokenWriter{broken}); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestRingsMayChangeTheirSizeWithALoad(t *testing.T) {
	v, log := watched(fleet.Config{Transitions: 30}, 20)
	transitions := func(v *fleet.View) []event.Transition {
		page, err := v.Transitions(fleet.TransitionQuery{Limit: 1000})
		must(err)
		var all []event.Transition
		for _, item := range page.Items {
			all = append(all, item.Transition)
		}
		return all
	}
	must(v.Apply(log.paused(true)))
	must(v.Apply(log.paused(false)))
	before := transitions(v)
	if len(before) != 30 {
		t.Fatalf("%d transitions are kept", len(before))
	}
	for _, size := range []int{7, 30, 100} {
		other, err := fleet.Load(fleet.Config{Transitions: size}, bytes.NewReader(saved(t, v)))
		must(err)
		if diff := cmp.Diff(before[:min(size, 30)], transitions(other)); diff != "" {
			t.Fatalf("with room for %d: %s", size, diff)
		}
		more := *log
		for i := range 3 {
			must(other.Apply(more.paused(i%2 == 0)))
		}
		if got := transitions(other); len(got) != min(size, 90) || got[0].Position != more.position || got[0].Vehicle != 20 {
			t.Fatalf("with room for %d there are %d, the newest %+v", size, len(got), got[0])
		}
	}
}

// FuzzLoad: whatever the bytes, there is an error or a view that works and saves as it was loaded.
func FuzzLoad(f *testing.F) {
	f.Add(smallSaved(f))
	f.Add(saved(f, fleet.New(fleet.Config{})))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := fleet.Load(fleet.Config{}, bytes.NewReader(b))
		if err != nil {
			return
		}
		again := saved(t, v)
		v = loaded(t, again)
		if !bytes.Equal(again, saved(t, v)) {
			t.Fatal("loaded once more, it saves other bytes")
		}
		for _, q := range []fleet.Query{{Text: "a"}, {Sort: "-customer"}, {Sort: "since", Facets: 3}, {Tags: []string{"city"}}} {
			query(t, v, q)
		}
		v.Grid()
		v.Summary()
		v.Gaps()
		if _, err := v.Transitions(fleet.TransitionQuery{}); err != nil {
			t.Fatal(err)
		}
		log := traffic{vehicles: 20, position: v.Checkpoint(), now: start}
		if log.position < 1<<62 {
			must(v.Apply(log.next(10)))
		}
	})
}
