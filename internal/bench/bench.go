// Package bench measures what Fleetbeat promises about speed and memory: it starts the real server as a process of its
// own, loads it as vehicles do, and holds each figure against its goal.
//
// Machines differ and are shared. So figures are ratios where they can be, each against something bare that was measured
// in the same minutes: a handler that does nothing, a plain file. Each figure is taken several times, and says how much
// of the machine other programs used meanwhile. It knows the server by its doors; only what no door shows is measured
// with the packages themselves.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Config says what to measure, and with what. Only Program is required.
type Config struct {
	Program  string    // path of the fleetbeat binary, which is started as server
	Env      []string  // its environment; default that of this process
	Only     []string  // names of measurements; default all
	Dir      string    // where data is put, in a folder that is removed at the end; default the one for temporary files
	Vehicles int       // in the fleet, a multiple of 1,000; default 1,000,000, and 20,000 when Short
	Short    bool      // seconds instead of minutes: shows that everything can be measured, and little else
	Postgres string    // URL of an empty PostgreSQL database, for the measurement "registry"; default: it is not made
	Progress io.Writer // gets a line for each step; default none
}

// scale is how much is done for a figure.
type scale struct {
	rounds int           // repetitions
	round  time.Duration // of one that loads as much as it can
	steady time.Duration // of one under the load of a fleet that reports once a minute
	burst  time.Duration // in which the whole fleet reports
	logged int           // heartbeats in the log of a start
	tail   int           // of those, how many came after the last snapshot when the process was killed
	texts  int           // searched for
	probes int           // vehicles whose transitions are timed
	silent time.Duration // after which a probe is late
}

func (c Config) scale() scale {
	if c.Short {
		return scale{
			rounds: 1, round: 300 * time.Millisecond, steady: time.Second, burst: time.Second,
			logged: 1_000_000, tail: 100_000, texts: 20, probes: 100, silent: 2 * time.Second,
		}
	}
	return scale{
		rounds: 3, round: 3 * time.Second, steady: 6 * time.Second, burst: 10 * time.Second,
		logged: 60_000_000, tail: 5_000_000, texts: 300, probes: 1500, silent: 4 * time.Second,
	}
}

// measurement is one question and how it is answered.
type measurement struct {
	name string
	help string
	run  func(*bench, context.Context) error
}

// measurements are in the order in which they run: those without the fleet first, and last the one that takes it down.
func measurements() []measurement {
	return []measurement{
		{"append", "the writing side without doors, against a plain file", (*bench).measureAppend},
		{"read", "processor time of the reading side", (*bench).measureRead},
		{"memory", "memory of the server for each vehicle", (*bench).measureMemory},
		{"history", "an hour of the fleet in the history, and the fleet at a moment in it", (*bench).measureHistory},
		{"live", "time from a deadline to a reader of the live stream", (*bench).measureLive},
		{"search", "time of a search", (*bench).measureSearch},
		{"disk", "bytes of the log for each heartbeat", (*bench).measureDisk},
		{"burst", "the whole fleet reports within seconds", (*bench).measureBurst},
		{"single", "single heartbeats over HTTP, against a handler that does nothing", (*bench).measureSingle},
		{"batch", "batches of 1,000 over HTTP", (*bench).measureBatch},
		{"start", "start with a long log, and replay", (*bench).measureStart},
	}
}

// Names lists the measurements, each with what it is about.
func Names() (names, help []string) {
	for _, m := range measurements() {
		names, help = append(names, m.name), append(help, m.help)
	}
	return names, help
}

// bench is one Run.
type bench struct {
	Config
	scale
	dir     string // temporary
	started time.Time
	figures []*Figure
	server  *server // nil until a measurement needs it
	live    []*process
}

// Run measures. It returns what it has when ctx ends early or a measurement fails, with the error.
func Run(ctx context.Context, config Config) (Report, error) {
	b, wanted, err := prepare(config)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = os.RemoveAll(b.dir) }() // temporary folders are cleared anyway
	report := Report{Machine: describeMachine(b.dir), Started: b.started, Vehicles: b.Vehicles, Short: b.Short}
	for _, m := range wanted {
		b.say("%s: %s", m.name, m.help)
		if err = m.run(b, ctx); err != nil {
			err = fmt.Errorf("measuring %s: %w", m.name, err)
			break
		}
	}
	err = errors.Join(err, b.stopAll())
	report.Figures, report.Elapsed = b.figures, time.Since(b.started)
	return report, err
}

func prepare(config Config) (*bench, []measurement, error) {
	wanted := measurements()
	if config.Postgres != "" {
		wanted = append([]measurement{registryMeasurement()}, wanted...)
	}
	for _, name := range config.Only {
		if !slices.ContainsFunc(wanted, func(m measurement) bool { return m.name == name }) {
			names, _ := Names()
			return nil, nil, fmt.Errorf("there is no measurement %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	if len(config.Only) > 0 {
		wanted = slices.DeleteFunc(wanted, func(m measurement) bool { return !slices.Contains(config.Only, m.name) })
	}
	if config.Vehicles == 0 {
		config.Vehicles = 1_000_000
		if config.Short {
			config.Vehicles = 20_000
		}
	}
	if n := config.Vehicles; n < batchSize || n > 10_000_000 || n%batchSize != 0 {
		return nil, nil, fmt.Errorf("the number of vehicles is %d, and may be a multiple of 1,000 up to 10,000,000", n)
	}
	if config.Progress == nil {
		config.Progress = io.Discard
	}
	dir, err := os.MkdirTemp(config.Dir, "fleetbeat-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("making a folder for the data: %w", err)
	}
	return &bench{Config: config, scale: config.scale(), dir: dir, started: time.Now()}, wanted, nil
}

// say writes a line of progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.Progress, "%6.1fs  %s\n", time.Since(b.started).Seconds(), fmt.Sprintf(format, args...))
}

// perSecond is the rate of a fleet in which every vehicle reports once a minute.
func (b *bench) perSecond() float64 { return float64(b.Vehicles) / 60 }

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
