package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/fleetbeat/fleetbeat/internal/app"
)

// registryFlags say where the registry is.
type registryFlags struct {
	Registry     string `help:"URL of a registry in PostgreSQL: postgres://user:password@host/database. Default: it is in SQLite, in the data folder." placeholder:"URL"`
	RegistryFile string `help:"File that holds this URL, so that its password stands nowhere else." placeholder:"FILE" type:"path"`
}

var (
	errTwoRegistries = errors.New("--registry and --registry-file are two ways to say one thing: give one")
	errNoRegistry    = errors.New("give the registry's URL by --registry or --registry-file")
)

// url is the URL that the flags give; "" when they give none.
func (f *registryFlags) url() (string, error) {
	return oneURL("--registry", f.Registry, f.RegistryFile, errTwoRegistries)
}

// oneURL is a URL that is given, or that a file holds. It may have a password, and is not repeated.
func oneURL(flag, url, file string, both error) (string, error) {
	if url != "" && file != "" {
		return "", usageError{both}
	}
	if !strings.ContainsAny(url, ":/@= ") && url != "" {
		return "", usageError{fmt.Errorf("%s %q is not of the form postgres://user:password@host/database", flag, url)}
	}
	if file == "" {
		return url, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", usageError{fmt.Errorf("reading the registry's URL: %w", err)}
	}
	if url = strings.TrimSpace(string(text)); url == "" {
		return "", usageError{fmt.Errorf("%s is empty, and is to hold the registry's URL", file)}
	}
	return url, nil
}

type registryCommand struct {
	Status  registryStatusCommand  `cmd:"" help:"Say what a registry holds."`
	Migrate registryMigrateCommand `cmd:"" help:"Bring the tables of a registry in PostgreSQL up to date, as the start of a server does."`
	Copy    registryCopyCommand    `cmd:"" help:"Copy a registry from a data folder to PostgreSQL."`
}

type registryStatusCommand struct {
	Data string `help:"Folder of the server; it may be running." default:"fleetbeat-data" type:"path"`
	registryFlags
}

func (c *registryStatusCommand) Run(ctx context.Context, t *terminal) error {
	url, err := c.url()
	if err != nil {
		return err
	}
	s, err := app.InspectRegistry(ctx, c.Data, url)
	if err != nil {
		return fmt.Errorf("looking at the registry: %w", err)
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "engine\t%s\n", s.Engine)
	fmt.Fprintf(w, "registry\t%s\n", s.Where)
	switch {
	case s.Version == 0:
		fmt.Fprintf(w, "tables\tnone; this program makes version %d\n", s.Newest)
	case s.Version < s.Newest:
		fmt.Fprintf(w, "tables\tversion %d; this program brings them to %d\n", s.Version, s.Newest)
	case s.Version > s.Newest:
		fmt.Fprintf(w, "tables\tversion %d; this program knows %d, and does not use them\n", s.Version, s.Newest)
	default:
		fmt.Fprintf(w, "tables\tversion %d\n", s.Version)
	}
	for _, row := range []struct {
		name string
		n    int64
	}{{"revision", s.Revision}, {"customers", s.Customers}, {"vehicles", s.Vehicles}, {"outbox", s.Outbox}} {
		fmt.Fprintf(w, "%s\t%d\n", row.name, row.n)
	}
	return w.Flush()
}

type registryMigrateCommand struct {
	registryFlags
}

// Help is shown below the flags.
func (registryMigrateCommand) Help() string {
	return `The start of a server does the same. This command is for a user of the database who may make tables, where the server's may not, and
for a deployment that wants to know that the tables are there before it starts servers.`
}

func (c *registryMigrateCommand) Run(ctx context.Context, t *terminal) error {
	url, err := c.url()
	if err != nil {
		return err
	}
	if url == "" {
		return usageError{errNoRegistry}
	}
	if err := app.MigrateRegistry(ctx, url, t.log); err != nil {
		return err
	}
	s, err := app.InspectRegistry(ctx, "", url)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.err, "%s: tables of version %d\n", s.Where, s.Version)
	return nil
}

type registryCopyCommand struct {
	From   string `help:"Folder of the server; it must not be running." default:"fleetbeat-data" type:"path"`
	To     string `help:"URL of the PostgreSQL database: postgres://user:password@host/database. Its registry must be empty." placeholder:"URL"`
	ToFile string `help:"File that holds this URL, so that its password stands nowhere else." placeholder:"FILE" type:"path"`
}

// Help is shown below the flags.
func (registryCopyCommand) Help() string {
	return `Copies every table in one transaction, compares how many rows each has on both sides, and keeps the copy only if these are the same. The
folder is left as it is. Start the server with --registry afterwards: from then on it refuses to start with the registry in its folder.`
}

var (
	errTwoTargets = errors.New("--to and --to-file are two ways to say one thing: give one")
	errNoTarget   = errors.New("give the URL of the PostgreSQL database by --to or --to-file")
)

func (c *registryCopyCommand) Run(ctx context.Context, t *terminal) error {
	if _, err := os.Stat(c.From); err != nil {
		return usageError{err}
	}
	url, err := oneURL("--to", c.To, c.ToFile, errTwoTargets)
	if err != nil {
		return err
	}
	if url == "" {
		return usageError{errNoTarget}
	}
	counts, err := app.CopyRegistry(ctx, c.From, url, t.log)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "rows\tcopied\t  table")
	for _, count := range counts {
		fmt.Fprintf(w, "%d\t%d\t  %s\n", count.From, count.To, count.Table)
	}
	return w.Flush()
}
