package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
)

// registryMeasurement is there when Config.Postgres is.
func registryMeasurement() measurement {
	return measurement{"registry", "an import into the registry in PostgreSQL, against one in SQLite", (*bench).measureRegistry}
}

// measureRegistry imports the same vehicles at two servers in turn: one has its registry in its folder, and one in
// PostgreSQL. Each time is until reads show all of them.
func (b *bench) measureRegistry(ctx context.Context) error {
	secret := filepath.Join(b.dir, "registry-url")
	if err := os.WriteFile(secret, []byte(b.Postgres), 0o600); err != nil {
		return fmt.Errorf("handing the URL on: %w", err)
	}
	lite := &server{bench: b, dir: filepath.Join(b.dir, "registry-sqlite")}
	shared := &server{bench: b, dir: filepath.Join(b.dir, "registry-postgres"), args: []string{"--registry-file", secret}}
	for _, f := range []*server{lite, shared} {
		if err := f.start(ctx); err != nil {
			return err
		}
	}
	vehicles := 100_000
	if b.Short {
		vehicles = 5_000
	}
	for round := range b.rounds {
		w := b.watch()
		inSQLite, err := lite.timeImport(ctx, round, vehicles)
		if err != nil {
			return err
		}
		inPostgres, err := shared.timeImport(ctx, round, vehicles)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("registry import of %s vehicles", number(float64(vehicles)))
		b.add("registry-sqlite", what+", SQLite", "s", nil, inSQLite.Seconds(), w.busy())
		b.add("registry-postgres", what+", PostgreSQL", "s", nil, inPostgres.Seconds(), w.busy())
		b.add("registry-ratio", what+", PostgreSQL/SQLite ratio", "", nil, inPostgres.Seconds()/inSQLite.Seconds(), w.busy())
	}
	for _, f := range []*server{lite, shared} {
		if err := b.stop(f.process); err != nil {
			return err
		}
	}
	return nil
}

// timeImport imports vehicles that no other round of this run has.
func (f *server) timeImport(ctx context.Context, round, vehicles int) (time.Duration, error) {
	var file strings.Builder
	file.WriteString("vin,registration_number,customer_id,customer_name,tags\n")
	run := f.bench.started.Unix()
	for i := range vehicles {
		fmt.Fprintf(&file, "bench-%d-%d-%d,ABC%05d,bench-%d,Bench %d,euro6;nord\n", run, round, i, i%100_000, i%1000, i%1000)
	}
	began := time.Now()
	result, err := f.client.Import(ctx, strings.NewReader(file.String()), client.ImportOptions{})
	if err != nil {
		return 0, fmt.Errorf("importing: %w", err)
	}
	if result.Created != vehicles {
		return 0, fmt.Errorf("importing: %d vehicles are new of %d: %v", result.Created, vehicles, result.Errors)
	}
	return time.Since(began), nil
}
