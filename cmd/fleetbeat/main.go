// Command fleetbeat is the whole of Fleetbeat in one binary: the server, the demo, the simulated fleet and the tools
// around them. This package holds flags and their help only; what a command does stands in the packages it calls.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // uptime is cut by the clocks of any time zone, on machines without its data too

	"github.com/alecthomas/kong"
	_ "golang.org/x/crypto/x509roots/fallback" // for addresses with https, on machines and in images without certificates of their own
)

// Exit codes: what a script can tell apart.
const (
	exitOK    = 0
	exitError = 1 // the command was understood and did not succeed
	exitUsage = 2 // the command line, the environment or the configuration file is wrong; nothing was done
	// exitIncomplete: of verify alone; what is there fits, but it is not all signed or not all there.
	exitIncomplete = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// cli is the grammar of the command line.
type cli struct {
	Config    configFile `help:"YAML file with settings, named like the flags." placeholder:"FILE"`
	LogLevel  slog.Level `help:"Least level that is logged: debug, info, warn or error." default:"info"`
	LogFormat string     `help:"How log lines look: text or json." enum:"text,json" default:"text"`

	Serve    serveCommand       `cmd:"" help:"Run the server."`
	Demo     demoCommand        `cmd:"" set:"interval=1s" set:"scenario=mixed" help:"Run a server with a simulated fleet, to look at."`     //nolint:staticcheck // kong takes several sets
	Simulate simulateCommand    `cmd:"" set:"interval=1m" set:"scenario=calm" help:"Send the heartbeats of a simulated fleet to a server."` //nolint:staticcheck // as above
	Import   importCommand      `cmd:"" help:"Register customers and vehicles from a CSV file."`
	Registry registryCommand    `cmd:"" help:"Look at the registry, or move it to PostgreSQL."`
	Status   statusCommand      `cmd:"" help:"Say how servers are."`
	Replay   replayCommand      `cmd:"" help:"Rebuild everything from the log and compare it with the snapshot."`
	Backup   backupCommand      `cmd:"" help:"Write a backup of a server, which may be running."`
	Restore  restoreCommand     `cmd:"" help:"Put a backup back."`
	Backtest backtestCommand    `cmd:"" help:"Say what another policy would have meant for the past."`
	Prove    proveCommand       `cmd:"" help:"Write a file that proves heartbeats of a vehicle."`
	Verify   verifyCommand      `cmd:"" help:"Check a data folder, a copied log or a proof file."`
	Bench    benchCommand       `cmd:"" help:"Measure speed and memory on this machine."`
	Health   healthcheckCommand `cmd:"" name:"healthcheck" help:"Say by the exit code alone whether a server is ready."`
	OpenAPI  openapiCommand     `cmd:"" name:"openapi" help:"Print the description of the API (OpenAPI 3.1), without starting a server."`
	Page     pageCommand        `cmd:"" help:"Write the dashboard as files, for a CDN or another web server."`
	Version  versionCommand     `cmd:"" help:"Show the version."`
}

// terminal is where a command writes: results to out, the log and complaints to err.
type terminal struct {
	out, err io.Writer
	log      *slog.Logger
}

// run is the program without its process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var grammar cli
	exited := -1
	parser, err := kong.New(&grammar,
		kong.Name("fleetbeat"),
		kong.Description("Fleetbeat tells which vehicles are connected, now and at any past moment, and proves it.\n\n"+
			"Every flag can also be given as an environment variable (--http as FLEETBEAT_HTTP) and in the file named by --config (http: ...). "+
			"A flag wins over the environment, the environment over the file."),
		kong.DefaultEnvars("FLEETBEAT"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return complain(stderr, exitError, err)
	}
	parsed, err := parser.Parse(args)
	switch {
	case exited >= 0: // help was asked for and shown
		return exited
	case err != nil:
		return complain(stderr, exitUsage, err)
	}
	err = parsed.Run(&terminal{out: stdout, err: stderr, log: newLogger(stderr, grammar.LogFormat, grammar.LogLevel)})
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return complain(stderr, exitUsage, err)
	case errors.Is(err, errIncomplete):
		return complain(stderr, exitIncomplete, err)
	default:
		return complain(stderr, exitError, err)
	}
}

// usageError is a wrong use that only the command itself could see.
type usageError struct{ error }

func complain(stderr io.Writer, code int, err error) int {
	fmt.Fprintf(stderr, "fleetbeat: %v\n", err)
	return code
}

func newLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
