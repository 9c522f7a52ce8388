package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// TestSetIsTwoMaps lets random changes happen to a Set and to two plain maps, and compares.
func TestSetIsTwoMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewSet()
		s.putCanary("canary-x")
		numbers, ids := map[string]event.VehicleID{}, map[event.VehicleID]string{}
		remove := func(number event.VehicleID) {
			delete(numbers, ids[number])
			delete(ids, number)
		}
		id := rapid.Map(rapid.IntRange(0, 80), func(i int) string { return strings.Repeat("v", i%20) + fmt.Sprint(i) })
		number := rapid.Map(rapid.IntRange(1, 80), func(i int) event.VehicleID { return event.VehicleID(i) })
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				id, number := id.Draw(t, "id"), number.Draw(t, "number")
				if err := s.Put(id, number); err != nil {
					t.Fatal(err)
				}
				remove(numbers[id])
				remove(number)
				numbers[id], ids[number] = number, id
			},
			"remove": func(t *rapid.T) {
				number := number.Draw(t, "number")
				s.Remove(number)
				remove(number)
			},
			"save and load": func(t *rapid.T) { s = reload(t, s) },
			"compact":       func(*rapid.T) { s.compact() },
			"": func(t *rapid.T) {
				if s.Len() != len(numbers) {
					t.Fatalf("%d vehicles, want %d", s.Len(), len(numbers))
				}
				for i := range 81 {
					id := strings.Repeat("v", i%20) + fmt.Sprint(i)
					if got, ok := s.Lookup([]byte(id)); got != numbers[id] || ok != (got != 0) {
						t.Fatalf("%s leads to %d, %v, want %d", id, got, ok, numbers[id])
					}
					if got := s.ID(event.VehicleID(i)); got != ids[event.VehicleID(i)] {
						t.Fatalf("%d is %q, want %q", i, got, ids[event.VehicleID(i)])
					}
				}
			},
		})
	})
}

func reload(t interface{ Fatal(...any) }, s *Set) *Set {
	var saved bytes.Buffer
	if err := s.Save(&saved); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadSet(&saved)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestSetRefusesWhatIsNoVehicle(t *testing.T) {
	s := NewSet()
	for _, id := range []string{"", " ", "a b", "a/b", "ä", "a\x00", "a\x7f", strings.Repeat("x", 65)} {
		if s.Put(id, 1) == nil {
			t.Errorf("id %q was taken", id)
		}
	}
	for _, number := range []event.VehicleID{0, maxVehicle + 1, canaryNumber} {
		if s.Put("a", number) == nil {
			t.Errorf("number %d was taken", number)
		}
	}
	if s.Len() != 0 {
		t.Error("something was taken")
	}
}

func TestCanaryIsNoVehicle(t *testing.T) {
	s := NewSet()
	s.putCanary("secret")
	if _, ok := s.Lookup([]byte("secret")); ok || s.Len() != 0 {
		t.Error("a canary counts as a vehicle")
	}
	if s.find([]byte("secret")) != canaryNumber {
		t.Error("the canary is not found")
	}
	if err := s.Put("secret", 5); err != nil || s.find([]byte("secret")) != canaryNumber || s.Len() != 0 {
		t.Error("a vehicle took the canary's id")
	}
	if reload(t, s).find([]byte("secret")) != 0 {
		t.Error("the secret was saved")
	}
}

func TestSetRemembersItsRevision(t *testing.T) {
	s := NewSet()
	s.SetRevision(42)
	if got := reload(t, s).Revision(); got != 42 {
		t.Errorf("got %d", got)
	}
}

func TestDamagedSnapshotOfSetIsAnError(t *testing.T) {
	s := NewSet()
	for i := range 20 {
		if err := s.Put(fmt.Sprintf("vehicle-%d", i), event.VehicleID(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	var saved bytes.Buffer
	if err := s.Save(&saved); err != nil {
		t.Fatal(err)
	}
	damagedSnapshots(saved.Bytes(), func(what string, damaged []byte) {
		if _, err := LoadSet(bytes.NewReader(damaged)); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: %v", what, err)
		}
	})
}

// damagedSnapshots tries each flipped bit, each cut, and a byte too many.
func damagedSnapshots(whole []byte, try func(what string, damaged []byte)) {
	for i := range whole {
		for bit := range 8 {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << bit
			try(fmt.Sprintf("bit %d of byte %d flipped", bit, i), damaged)
		}
		try(fmt.Sprintf("cut at %d", i), whole[:i])
	}
	try("a byte too many", append(bytes.Clone(whole), 0))
}

func TestSetIsReadAndSavedWhileItChanges(t *testing.T) {
	s := bigSet(t, 2000)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if number, ok := s.Lookup([]byte(vin(1))); !ok || number != 1 {
					t.Error("a vehicle that never changes was not found")
					return
				}
				if reload(t, s).ID(1) != vin(1) {
					t.Error("a vehicle that never changes was not saved")
					return
				}
			}
		})
	}
	for round := range 20 {
		for i := 2; i < 2000; i++ {
			if err := s.Put(fmt.Sprintf("%s-%d", vin(i), round), event.VehicleID(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(stop)
	readers.Wait()
}

func TestLookupDoesNotAllocate(t *testing.T) {
	s := bigSet(t, 100)
	id := []byte(vin(50))
	if n := testing.AllocsPerRun(100, func() { s.Lookup(id) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// liveHeap is the size of the heap without garbage. What pools hold goes with the second collection.
func liveHeap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestSetTakesAtMost40BytesPerVehicle(t *testing.T) {
	for _, n := range []int{100_000, 150_000, 230_000} {
		before := liveHeap()
		s := bigSet(t, n)
		if per := float64(liveHeap()-before) / float64(n); per > 40 {
			t.Errorf("%d vehicles take %.1f bytes each", n, per)
		}
		runtime.KeepAlive(s)
	}
}

// TestChurnDoesNotGrowTheSet removes and adds far more than the Set ever holds.
func TestChurnDoesNotGrowTheSet(t *testing.T) {
	s := bigSet(t, 5000)
	pages := len(s.texts.pages)
	for i := range 100_000 {
		number := event.VehicleID(i%5000 + 1)
		s.Remove(number)
		if err := s.Put(vin(i%5000+1), number); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.texts.pages) > 2*pages+1 {
		t.Errorf("%d pages of text became %d", pages, len(s.texts.pages))
	}
}

// TestChangingNumbersDoesNotGrowTheSet gives one id ever new numbers.
func TestChangingNumbersDoesNotGrowTheSet(t *testing.T) {
	s := NewSet()
	for i := 1; i <= 50_000; i++ {
		if err := s.Put(vin(1), event.VehicleID(i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.texts.pages) > 3 || s.Len() != 1 {
		t.Errorf("%d pages of text for %d vehicles", len(s.texts.pages), s.Len())
	}
}

func vin(i int) string { return fmt.Sprintf("YS2R4X200%08d", i) }

func bigSet(t testing.TB, n int) *Set {
	t.Helper()
	s := NewSet()
	for i := 1; i <= n; i++ {
		if err := s.Put(vin(i), event.VehicleID(i)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}
