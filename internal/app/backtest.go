package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/api"
	"github.com/fleetbeat/fleetbeat/internal/backtest"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/projection"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// BacktestReport says what Backtest went through and found.
type BacktestReport struct {
	backtest.Report
	Query      backtest.Query
	Heartbeats uint64 // read
	Elapsed    time.Duration
	VINs       map[event.VehicleID]string // of the newest snapshot
}

// JSON is the report as the API gives it.
func (r *BacktestReport) JSON(customer string) client.Backtest {
	return api.BacktestOf(&r.Query, customer, &r.Report, func(v event.VehicleID) string { return r.VINs[v] })
}

// ErrNoPolicy says that what is to be tested is none.
var ErrNoPolicy = errors.New("the policy to test is none")

// ErrUnknownCustomer says that the newest snapshot of a data folder knows no customer by this id.
var ErrUnknownCustomer = errors.New("no such customer")

// Backtest replays the log of a data folder under another policy; customer is a public id, or empty for all. It changes
// nothing and may run beside a server. Errors that a caller tells apart are ErrNoPolicy and ErrUnknownCustomer.
func Backtest(ctx context.Context, dataDir string, q backtest.Query, customer string) (BacktestReport, error) {
	if err := checkTested(q.Policy); err != nil {
		return BacktestReport{}, err
	}
	report := BacktestReport{VINs: map[event.VehicleID]string{}}
	directory, err := savedDirectory(dataDir)
	if err != nil {
		return report, err
	}
	for _, v := range directory.Vehicles {
		report.VINs[v.Number] = v.VIN
	}
	for _, c := range directory.Customers {
		if c.ID == customer {
			q.Customer = c.Number
		}
	}
	if customer != "" && q.Customer == 0 {
		return report, fmt.Errorf("%w: the newest snapshot in %s knows no %q", ErrUnknownCustomer, dataDir, customer)
	}
	report.Query = q
	began := time.Now()
	first, err := eventlog.FirstOf(dataDir)
	if err != nil {
		return report, err
	}
	report.Report, report.Heartbeats, err = backtestOver(ctx, q, historyDir(dataDir), first, func(from event.Position, fn func(event.Stored) error) error {
		_, err := eventlog.Read(dataDir, from, fn)
		return err
	})
	if err != nil {
		return report, fmt.Errorf("reading the log in %s: %w", dataDir, err)
	}
	report.Elapsed = time.Since(began)
	return report, nil
}

func checkTested(policy event.Policy) error {
	if policy == (event.Policy{}) {
		return fmt.Errorf("%w: its times are 0", ErrNoPolicy)
	}
	if err := registry.CheckPolicy(policy); err != nil {
		return fmt.Errorf("%w: %w", ErrNoPolicy, err)
	}
	return nil
}

// savedDirectory is what the newest snapshot of the fleet knows from the registry; nothing when there is none.
func savedDirectory(dataDir string) (directory fleet.Update, err error) {
	snapshots := &projection.Snapshots{Dir: snapshotDir(dataDir), Name: "fleet", Logger: slog.New(slog.DiscardHandler)}
	err = snapshots.Peek(func(in io.Reader) error {
		view, err := fleet.Load(fleet.Config{}, in)
		if err == nil {
			directory = view.Directory()
		}
		return err
	})
	if err != nil {
		return directory, fmt.Errorf("reading the newest snapshot of the fleet: %w", err)
	}
	return directory, nil
}

// backtest replays the log of this server, up to where it is now.
func (a *App) backtest(ctx context.Context, q backtest.Query) (backtest.Report, error) {
	head := a.log.Head()
	if head == 0 {
		return backtest.New(q).Report(), nil
	}
	report, _, err := backtestOver(ctx, q, historyDir(a.config.DataDir), a.log.First(), func(from event.Position, fn func(event.Stored) error) error {
		return a.log.Follow(ctx, from, func(s event.Stored) error {
			if err := fn(s); err != nil {
				return err
			}
			if s.Position >= head {
				return errEnough
			}
			return nil
		})
	})
	return report, err
}

// backtestOver tests what the files of the history tell, and then what the log tells from there on; or all of the log, where
// the files do not tell all. It says how many heartbeats that were. A log that begins behind what the files tell is
// history.ErrNotKept.
func backtestOver(ctx context.Context, q backtest.Query, historyDir string, first event.Position, read func(event.Position, func(event.Stored) error) error) (backtest.Report, uint64, error) {
	test := backtest.New(q)
	told, err := history.Digest(ctx, historyDir, q.Policy, test)
	if ctx.Err() != nil {
		return backtest.Report{}, 0, ctx.Err()
	}
	if err != nil {
		test, told = backtest.New(q), history.Digested{Next: 1}
	}
	if told.Next < first {
		return backtest.Report{}, 0, fmt.Errorf("%w: the log was dropped up to position %d, and the history does not tell of it", history.ErrNotKept, first-1)
	}
	heartbeats := told.Heartbeats
	if !told.Enough {
		err = readAhead(ctx, func(fn func(event.Stored) error) error { return read(told.Next, fn) }, func(s event.Stored) bool {
			s = told.Rest(s)
			heartbeats += uint64(s.Heartbeats.Len())
			return test.Apply(s)
		})
		if err != nil {
			return backtest.Report{}, 0, err
		}
	}
	return test.Report(), heartbeats, nil
}
