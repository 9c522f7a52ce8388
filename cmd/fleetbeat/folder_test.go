//go:build linux

package main_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/client"
)

// smallFleet is a file of ten vehicles of three customers.
const smallFleet = `vin,registration_number,customer_id,customer_name,customer_address,tags,late_after,offline_after
YS2R4X20005399401,ABC123,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",gravel,,
VLUR4X20009093588,DEF456,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",,120,180
VLUR4X20009048066,GHI789,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",gravel;winter,,
YS2R4X20005388011,JKL012,johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm",,,
YS2R4X20005387949,MNO345,johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm",winter,,
YS2R4X20005387765,PQR678,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",,,
YS2R4X20005387055,STU901,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",,,
tractor-1,,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",,,
tractor-2,,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",,,
tractor-3,,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",,,
`

// liveThrough registers the small fleet at a server and sends some heartbeats of all but the last of its vehicles.
func liveThrough(t testing.TB, s *server) {
	t.Helper()
	if _, err := s.Import(t.Context(), strings.NewReader(smallFleet), client.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	page, err := s.Vehicles(t.Context(), client.VehicleQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for sequence := range int64(5) {
		var batch client.Batch
		for _, v := range page.Items[:len(page.Items)-1] {
			batch.Items = append(batch.Items, client.NewHeartbeat{Vehicle: v.VIN, Sequence: &sequence})
		}
		if _, err := s.Heartbeats(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Heartbeat(t.Context(), page.Items[0].VIN, client.NewHeartbeat{}); err != nil {
			t.Fatal(err)
		}
	}
}

// livedIn is a data folder of which a server has made some use and which it has left in order.
func livedIn(t testing.TB) string {
	t.Helper()
	s := serve(t, t.TempDir())
	liveThrough(t, s)
	if code := s.stop(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	return s.data
}

// copyOf copies a folder.
func copyOf(t testing.TB, folder string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	return to
}

// fingerprint tells a folder with everything in it from any other, and one that does not exist too. It leaves out what
// SQLite's processes share as memory: looking at the registry takes a lock there.
func fingerprint(t testing.TB, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, "-shm"):
			return nil
		case entry.IsDir():
			fmt.Fprintln(&all, path)
			return nil
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %x\n", path, sha256.Sum256(text))
		return err
	})
	if err != nil {
		fmt.Fprintln(&all, err)
	}
	return all.String()
}

func writeFile(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
