package app_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/proof"
)

// holders are the files of a folder that hold one of some texts.
func holders(t *testing.T, dir string, texts ...string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(data, []byte(text)) {
				found = append(found, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestAnErasedVehicleIsInNoFile: after the answer, no file below the data folder holds VIN or registration number, the past does
// not name the vehicle, the other vehicles are there, and the log verifies.
func TestAnErasedVehicleIsInNoFile(t *testing.T) {
	t.Parallel()
	s := original(t)
	const many = 150 // so that the tables have more than a page, and removals move rows about
	vin := func(i int) string { return fmt.Sprintf("ERASED-%05d-VIN", i*7919%100_000) }
	plate := func(i int) string { return fmt.Sprintf("PLATE%05d", i*104729%100_000) }
	for i := range many {
		if _, err := s.CreateVehicle(t.Context(), client.NewVehicle{VIN: vin(i), RegistrationNumber: plate(i), CustomerID: "kalles"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		if _, err := s.Heartbeat(t.Context(), vin(i), client.NewHeartbeat{}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 { // what they were before stands in the registry too
		if _, err := s.UpdateVehicle(t.Context(), vin(i), client.VehiclePatch{RegistrationNumber: new("NEW" + plate(i)), CustomerID: new("johans")}); err != nil {
			t.Fatal(err)
		}
	}
	s.Restart(t) // now there are snapshots
	s.Restart(t) // and older ones
	aside := filepath.Join(s.Config.DataDir, "damaged-then", "snapshots")
	if err := os.MkdirAll(aside, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(aside, "fleet-1.snapshot"), []byte("..."+vin(2)+plate(2)), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := holders(t, s.Config.DataDir, vin(0)); len(found) < 3 {
		t.Fatalf("before, %v hold the VIN", found)
	}
	var gone []string
	for i := range 100 {
		if i%15 == 2 { // the others are removed first, or stay
			gone = append(gone, vin(i), plate(i))
		} else if err := s.DeleteVehicle(t.Context(), vin(i)); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			gone = append(gone, vin(i), plate(i))
		}
	}
	for i := range 100 {
		if i%15 != 2 && i%10 != 0 {
			continue
		}
		if err := s.EraseVehicle(t.Context(), vin(i)); err != nil {
			t.Fatal(err)
		}
	}
	if found := holders(t, s.Config.DataDir, gone...); len(found) > 0 {
		t.Errorf("what was erased stands in %v", found)
	}
	if err := s.EraseVehicle(t.Context(), vin(0)); err != nil {
		t.Errorf("erased again: %v", err)
	}
	call(t, http.MethodGet, s.URL+"/v1/vehicles/"+vin(0)+"/heartbeats", "", http.StatusNotFound)
	changes, err := s.Transitions(t.Context(), client.TransitionQuery{From: client.At(time.Now().Add(-time.Hour)), Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes.Items {
		if c.VIN == vin(0) {
			t.Errorf("the past names it: %+v", c)
		}
	}
	s.Restart(t)
	if _, err := s.Vehicle(t.Context(), vin(many-1)); err != nil {
		t.Errorf("another vehicle: %v", err)
	}
	if found := holders(t, s.Config.DataDir, gone...); len(found) > 0 {
		t.Errorf("after a restart, what was erased stands in %v", found)
	}
	report, err := proof.VerifyFolder(proof.Folder{Dir: s.Config.DataDir})
	if err != nil || report.Finding != nil || report.Signed == 0 {
		t.Errorf("the log does not verify: %+v, %v", report, err)
	}
}
