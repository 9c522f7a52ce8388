package archtest

// rule is one sentence about the house, and how to tell that a tree breaks it.
type rule struct {
	says   string
	find   func(*tree) []string // what breaks the rule, each as "path: what is wrong"
	breaks map[string]string    // the smallest tree that breaks it, by path: proof that the rule can fail
}

// rules are the import rules of DESIGN.md, and what else holds for every package.
var rules = []rule{
	{
		says:   "event imports the standard library only: it holds the words that all others share",
		find:   importsOnly("internal/event"),
		breaks: map[string]string{"internal/event/event.go": `package event; import _ "golang.org/x/text/cases"`},
	},
	{
		says:   "presence imports event only: it is a pure function of the log",
		find:   importsOnly("internal/presence", "internal/event"),
		breaks: map[string]string{"internal/presence/rule.go": `package presence; import _ "github.com/fleetbeat/fleetbeat/internal/eventlog"`},
	},
	{
		says:   "simulate imports client only, and the words: simulated vehicles enter by the public doors",
		find:   importsOnly("internal/simulate", "client", "internal/event"),
		breaks: map[string]string{"internal/simulate/fleet.go": `package simulate; import _ "github.com/fleetbeat/fleetbeat/internal/ingest"`},
	},
	{
		says:   "web imports the standard library only: it serves files, and knows nothing of what they show",
		find:   importsOnly("web"),
		breaks: map[string]string{"web/serve.go": `package web; import _ "github.com/fleetbeat/fleetbeat/internal/api"`},
	},
	{
		says:   "bench measures the server as a process of its own: what it imports beside, it measures without doors",
		find:   neverReaches("internal/bench", "internal/app", "internal/api", "internal/registry"),
		breaks: map[string]string{"internal/bench/start.go": `package bench; import _ "github.com/fleetbeat/fleetbeat/internal/app"`},
	},
	{
		says:   "client imports little besides the standard library, and nothing of ours: anyone may build on it",
		find:   importsOnly("client", "github.com/klauspost/compress", "google.golang.org/protobuf/encoding/protowire"),
		breaks: map[string]string{"client/client.go": `package client; import _ "github.com/fleetbeat/fleetbeat/internal/fleet"`},
	},
	{
		says: "writing does not know reading: ingest reaches neither fleet, history, api nor registry",
		find: neverReaches("internal/ingest", "internal/fleet", "internal/history", "internal/api", "internal/registry"),
		breaks: map[string]string{
			"internal/ingest/door.go":       `package ingest; import _ "github.com/fleetbeat/fleetbeat/internal/projection"`,
			"internal/projection/runner.go": `package projection; import _ "github.com/fleetbeat/fleetbeat/internal/fleet"`,
		},
	},
	{
		says:   "fleet implements Apply and knows neither log, registry nor ingest: its test is a slice of events",
		find:   neverReaches("internal/fleet", "internal/eventlog", "internal/ingest", "internal/registry"),
		breaks: map[string]string{"internal/fleet/view_test.go": `package fleet; import _ "github.com/fleetbeat/fleetbeat/internal/eventlog"`},
	},
	{
		says:   "history implements Apply and knows neither log, registry nor ingest",
		find:   neverReaches("internal/history", "internal/eventlog", "internal/ingest", "internal/registry"),
		breaks: map[string]string{"internal/history/files.go": `package history; import _ "github.com/fleetbeat/fleetbeat/internal/ingest"`},
	},
	{
		says:   "proof knows the log and the shapes of the API only: what it says holds for any log",
		find:   neverReaches("internal/proof", "internal/fleet", "internal/history", "internal/ingest", "internal/registry", "internal/api"),
		breaks: map[string]string{"internal/proof/tree.go": `package proof; import _ "github.com/fleetbeat/fleetbeat/internal/registry"`},
	},
	{
		says:   "backup knows files only: whoever keeps them knows how to copy them while they are written",
		find:   importsOnly("internal/backup", "internal/checksummed"),
		breaks: map[string]string{"internal/backup/write.go": `package backup; import _ "github.com/fleetbeat/fleetbeat/internal/registry"`},
	},
	{
		says:   "checksummed imports the standard library only",
		find:   importsOnly("internal/checksummed"),
		breaks: map[string]string{"internal/checksummed/file.go": `package checksummed; import _ "github.com/fleetbeat/fleetbeat/internal/history"`},
	},
	{
		says:   "only proof imports signed notes and Merkle trees",
		find:   importedOnlyBy([]string{"internal/proof", "cmd/fleetbeat"}, "golang.org/x/mod"),
		breaks: map[string]string{"internal/api/proof.go": `package api; import _ "golang.org/x/mod/sumdb/note"`},
	},
	{
		says:   "record imports event only: it is a pure function of rows, wherever they are kept",
		find:   importsOnly("internal/history/record", "internal/event"),
		breaks: map[string]string{"internal/history/record/periods.go": `package record; import _ "github.com/fleetbeat/fleetbeat/internal/presence"`},
	},
	{
		says:   "backtest imports event and presence only: it judges by the live rule, and from the log alone",
		find:   importsOnly("internal/backtest", "internal/event", "internal/presence"),
		breaks: map[string]string{"internal/backtest/run.go": `package backtest; import _ "github.com/fleetbeat/fleetbeat/internal/history"`},
	},
	{
		says:   "only eventlog imports NATS, and what starts its servers for tests",
		find:   importedOnlyBy([]string{"internal/eventlog", "internal/natstest"}, "github.com/nats-io"),
		breaks: map[string]string{"internal/app/app.go": `package app; import _ "github.com/nats-io/nats-server/v2/server"`},
	},
	{
		says: "only registry imports SQL, the package that gives it databases in tests, and the test that makes a registry of the future",
		find: importedOnlyBy([]string{"internal/registry", "internal/postgrestest", "cmd/fleetbeat/refusal_test.go"}, "database/sql", "modernc.org/sqlite",
			"github.com/mattn/go-sqlite3", "github.com/jackc", "github.com/lib/pq", "github.com/pressly/goose"),
		breaks: map[string]string{"internal/api/vehicles.go": `package api; import _ "database/sql"`},
	},
	{
		says:   "only history imports Parquet",
		find:   importedOnlyBy([]string{"internal/history"}, "github.com/parquet-go", "github.com/apache/arrow"),
		breaks: map[string]string{"internal/fleet/view.go": `package fleet; import _ "github.com/parquet-go/parquet-go"`},
	},
	{
		says:   "app alone sees everything: only the command, fleettest and its own tests start it",
		find:   importedOnlyBy([]string{"cmd/fleetbeat", "internal/fleettest", "internal/app"}, "internal/app"),
		breaks: map[string]string{"internal/api/api.go": `package api; import _ "github.com/fleetbeat/fleetbeat/internal/app"`},
	},
	{
		says:   "presence, fleet, record and backtest read no clock: time passes by what the log says",
		find:   usesNone([]string{"internal/event", "internal/presence", "internal/fleet", "internal/history/record", "internal/backtest"}, "time.Now", "time.Since", "time.Until"),
		breaks: map[string]string{"internal/presence/rule.go": `package presence; import "time"; var started = time.Now`},
	},
	{
		says:   "presence starts no goroutine and holds no lock",
		find:   singleThreaded("internal/presence"),
		breaks: map[string]string{"internal/presence/wheel.go": `package presence; func run() { go run() }`},
	},
	{
		says:   "only commands and examples end the process, read its environment or take its signals",
		find:   usesOnlyIn([]string{"cmd", "examples"}, "os.Exit", "os.Getenv", "os.LookupEnv", "os.Environ", "os.Args", "signal.Notify", "signal.NotifyContext"),
		breaks: map[string]string{"internal/app/app.go": `package app; import "os"; func stop() { os.Exit(1) }`},
	},
	{
		says:   "a package's name says what it is for",
		find:   meaningfulNames,
		breaks: map[string]string{"internal/utils/strings.go": "// Package utils is for everything.\npackage utils"},
	},
	{
		says:   "every package says what it is",
		find:   packageComments,
		breaks: map[string]string{"internal/api/api.go": "// Copyright.\n\npackage api"},
	},
	{
		says:   "no init functions: what runs is called",
		find:   noInit,
		breaks: map[string]string{"internal/api/api.go": `package api; func init() {}`},
	},
	{
		says:   "no package-level variable changes",
		find:   noMutableState,
		breaks: map[string]string{"internal/api/api.go": `package api; var hits int; func hit() { hits++ }`},
	},
	{
		says:   "no file is longer than 500 lines",
		find:   shortFiles(500),
		breaks: map[string]string{"internal/api/api.go": "// Package api is long.\npackage api" + lines(500)},
	},
}
