package registry

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// rate reports how many rows a second went through.
func rate(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkImport(b *testing.B) {
	const n = 100_000
	csv := fleetCSV(n)
	changed := strings.ReplaceAll(csv, "euro6", "euro7")
	for _, again := range []struct {
		name  string
		first string
		then  string
	}{{name: "new", then: csv}, {name: "unchanged", first: csv, then: csv}, {name: "changed", first: csv, then: changed}} {
		benchBoth(b, again.name, func(b *testing.B, on store) {
			for b.Loop() {
				b.StopTimer()
				r := on.open(b)
				if again.first != "" {
					mustImport(b, r, again.first)
				}
				b.StartTimer()
				mustImport(b, r, again.then)
			}
			rate(b, n)
		})
	}
}

// BenchmarkMillion reads a registry of 1,000,000 vehicles in the ways in which it is read as a whole.
func BenchmarkMillion(b *testing.B) {
	const n = 1_000_000
	r := open(b)
	mustImport(b, r, fleetCSV(n))
	b.Run("changes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rows := 0
			err := r.Changes(b.Context(), 0, func(c Changes) error {
				rows += len(c.Vehicles)
				return nil
			})
			if err != nil || rows != n {
				b.Fatal(rows, err)
			}
		}
		rate(b, n)
	})
	b.Run("export", func(b *testing.B) {
		for b.Loop() {
			if err := r.Export(b.Context(), io.Discard); err != nil {
				b.Fatal(err)
			}
		}
		rate(b, n)
	})
}

func BenchmarkRelay(b *testing.B) {
	const n = 100_000
	csv := fleetCSV(n)
	for b.Loop() {
		b.StopTimer()
		r := openAt(b, filepath.Join(b.TempDir(), "registry.db"))
		mustImport(b, r, csv)
		b.StartTimer()
		ctx, cancel := context.WithCancel(b.Context())
		rows := 0
		err := r.Relay(ctx, func(_ context.Context, facts []event.Fact) (event.Position, error) {
			if rows += len(facts); rows == n {
				cancel()
			}
			return 1, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	rate(b, n)
}

func BenchmarkCreateVehicle(b *testing.B) {
	benchBoth(b, "one", func(b *testing.B, on store) {
		r := on.open(b)
		mustCustomer(b, r, "kalles")
		for i := 0; b.Loop(); i++ {
			mustVehicle(b, r, fmt.Sprintf("device-%d", i), "kalles")
		}
	})
}

// benchBoth measures on SQLite, and on a PostgreSQL that does not wait for its disk.
func benchBoth(b *testing.B, name string, measure func(b *testing.B, on store)) {
	b.Run(name+"/sqlite", func(b *testing.B) { measure(b, store{}) })
	b.Run(name+"/postgres", func(b *testing.B) { measure(b, store{server: shared.Server(b)}) })
}

// BenchmarkPast reads a past from which the registry differs in so many vehicles.
func BenchmarkPast(b *testing.B) {
	const n = 100_000
	var clock event.Time
	r, err := Open(b.Context(), Config{Path: filepath.Join(b.TempDir(), "registry.db"), Now: func() event.Time { clock++; return clock }})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	csv := fleetCSV(n)
	mustImport(b, r, csv)
	mustImport(b, r, strings.ReplaceAll(csv, "euro6", "euro7"))
	for at, changed := range map[event.Time]int{2: 0, 1: n} {
		b.Run(fmt.Sprint(changed), func(b *testing.B) {
			for b.Loop() {
				if p, err := r.Past(b.Context(), at); err != nil || len(p.Vehicles) != changed {
					b.Fatal(len(p.Vehicles), err)
				}
			}
		})
	}
}
