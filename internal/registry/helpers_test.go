package registry

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// open opens a registry in a folder of its own, and closes it with the test.
func open(t testing.TB) *Registry {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "registry.db"))
}

func openAt(t testing.TB, path string) *Registry {
	t.Helper()
	return openWith(t, Config{Path: path})
}

// openWith opens a registry, and closes it with the test.
func openWith(t testing.TB, config Config) *Registry {
	t.Helper()
	r, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// memoryDir is a folder in memory where there is one: tests that write thousands of times do not wait for the disk.
func memoryDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "registry-test-*") //nolint:usetesting // memory, where t.TempDir is a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// fleetCSV is a file of n vehicles of n/100 customers.
func fleetCSV(n int) string {
	var b strings.Builder
	b.WriteString("vin,registration_number,customer_id,customer_name,customer_address,tags\n")
	for i := range n {
		c := i * 7919 % max(n/100, 1)
		fmt.Fprintf(&b, "YS2R4X2%010d,ABC%05d,k%d,Kalles Grustransporter %d AB,\"Cementvägen %d, 111 11 Södertälje\",euro6;nord\n",
			uint32(i)*2654435761, i%100000, c, c, c)
	}
	return b.String()
}

// mustImport imports a file that has nothing wrong.
func mustImport(t testing.TB, r *Registry, csv string) ImportResult {
	t.Helper()
	result, err := r.Import(t.Context(), strings.NewReader(csv), ImportOptions{})
	if err != nil || !result.Applied {
		t.Fatalf("import: %v, %+v", err, result.Errors[:min(3, len(result.Errors))])
	}
	return result
}

// mustCustomer and mustVehicle add one.
func mustCustomer(t testing.TB, r *Registry, id string) Customer {
	t.Helper()
	c, _, err := r.CreateCustomer(t.Context(), NewCustomer{ID: id, Name: "Customer " + id})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustVehicle(t testing.TB, r *Registry, vin, customer string) Vehicle {
	t.Helper()
	v, _, err := r.CreateVehicle(t.Context(), NewVehicle{VIN: vin, CustomerID: customer})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// exported is the whole export.
func exported(t testing.TB, r *Registry) string {
	t.Helper()
	var b strings.Builder
	if err := r.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// outbox is all that waits for the log.
func outbox(t testing.TB, r *Registry) []event.Fact {
	t.Helper()
	facts, _, err := oldestFacts(t.Context(), r.reader)
	if err != nil {
		t.Fatal(err)
	}
	return facts
}
