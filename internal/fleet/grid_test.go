package fleet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

func TestAGridOnTheWireIsAHeaderAndAByteForEachVehicle(t *testing.T) {
	v, log := watched(fleet.Config{}, 30)
	must(v.Apply(log.heard(7)))
	grid := v.Grid()
	var wire bytes.Buffer
	n, err := grid.WriteTo(&wire)
	must(err)
	b := wire.Bytes()
	if n != 50 || len(b) != 50 || binary.LittleEndian.Uint64(b) != grid.Epoch || binary.LittleEndian.Uint64(b[8:]) != 2 ||
		binary.LittleEndian.Uint32(b[16:]) != 30 || !bytes.Equal(b[20:], grid.Presences) {
		t.Fatalf("%d bytes: %x", n, b)
	}
	if grid.Epoch >= 1<<53 {
		t.Fatalf("epoch %d is not exact as a float64", grid.Epoch)
	}
	broken := errors.New("gone")
	if _, err := grid.WriteTo(brokenWriter{broken}); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
}

func TestNodesGiveTheSameGridTheSameEpoch(t *testing.T) {
	whole, _ := watched(fleet.Config{}, 30)
	u, parts := directoryOf(30, 3), fleet.New(fleet.Config{})
	must(parts.Update(fleet.Update{Customers: u.Customers, Vehicles: u.Vehicles[10:]}))
	must(parts.Apply(new(traffic).added(&u)))
	must(parts.Update(fleet.Update{Vehicles: u.Vehicles[:10]}))
	a, b := whole.Grid(), parts.Grid()
	if len(a.Presences) != 30 || len(b.Presences) != 30 || a.Epoch != b.Epoch {
		t.Fatalf("%d cells of epoch %d, and %d of %d", len(a.Presences), a.Epoch, len(b.Presences), b.Epoch)
	}
}

func TestTheEpochMovesWithTheVehiclesAndTheirOrder(t *testing.T) {
	v, log := watched(fleet.Config{}, 3)
	u := directoryOf(3, 3)
	tag := u.Vehicles[0]
	tag.Tags = []string{"new"}
	renamed := u.Customers[tag.Customer-1]
	renamed.Name = "Another"
	for _, c := range []struct {
		says   string
		moves  bool
		change func() error
	}{
		{"a heartbeat", false, func() error { return v.Apply(log.heard(1)) }},
		{"a pause", false, func() error { return v.Apply(log.paused(true)) }},
		{"other tags", false, func() error { return v.Update(fleet.Update{Vehicles: []fleet.Vehicle{tag}}) }},
		{"the same again", false, func() error { return v.Update(fleet.Update{Vehicles: []fleet.Vehicle{tag}}) }},
		{"another customer's name", true, func() error { return v.Update(fleet.Update{Customers: []fleet.Customer{renamed}}) }},
		{"a vehicle less", true, func() error { return v.Update(fleet.Update{RemovedVehicles: []event.VehicleID{1}}) }},
		{"a vehicle more", true, func() error { return v.Update(fleet.Update{Vehicles: []fleet.Vehicle{tag}}) }},
	} {
		before := v.Grid().Epoch
		must(c.change())
		if moved := v.Grid().Epoch != before; moved != c.moves {
			t.Errorf("%s moves the epoch: %t", c.says, moved)
		}
	}
	if _, rows, _ := v.GridRows(-5, 100_000); len(rows) != 3 {
		t.Errorf("%d rows", len(rows))
	}
	if _, rows, _ := v.GridRows(5, 1); len(rows) != 0 {
		t.Errorf("%d rows behind the end", len(rows))
	}
}
