package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetbeat/fleetbeat/internal/api"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// storageFresh is how old an answer about the storage may be: it looks at every file.
const storageFresh = 5 * time.Second

// storage looks at what the data folder holds.
type storage struct {
	app *App

	mu    sync.Mutex // guards the following
	at    time.Time
	last  api.Storage
	begin api.StoredAt // the first batch of the log; zero while there is none
}

// look is the storage, as it was a few seconds ago at most.
func (s *storage) look(ctx context.Context) (api.Storage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) < storageFresh {
		return s.last, nil
	}
	found, err := s.measure(ctx)
	if err != nil {
		return found, err
	}
	s.at, s.last = time.Now(), found
	return found, nil
}

func (s *storage) measure(ctx context.Context) (found api.Storage, err error) {
	a := s.app
	found.KeepHistory, found.KeepLog = a.config.KeepHistory, a.config.KeepLog
	found.Verified, found.Damages = a.log.Verified(), len(a.log.Damages())
	if found.Free, found.Total, err = eventlog.DiskSpace(a.config.DataDir); err != nil {
		return found, err
	}
	parts, err := s.folder()
	if err != nil {
		return found, fmt.Errorf("looking at the data folder: %w", err)
	}
	log := parts["log"]
	if log.Oldest, err = s.logBegin(ctx); err != nil {
		return found, err
	}
	log.Newest = api.StoredAt{At: a.log.LastTime(), Position: a.log.Head()}
	found.Parts = append(found.Parts, *log)
	for _, u := range a.history.Usage() {
		part := api.StoredPart{Part: u.Of, Files: u.Files, Bytes: u.Bytes}
		if u.Of != "states" {
			part.Length = "hour"
		}
		if u.Day {
			part.Length = "day"
		}
		if u.Files > 0 {
			part.Oldest, part.Newest = api.StoredAt{At: u.From, Position: u.Oldest}, api.StoredAt{At: u.To, Position: u.Newest}
		}
		found.Parts = append(found.Parts, part)
	}
	for _, name := range []string{"snapshots", "registry", "proof", "damaged"} {
		found.Parts = append(found.Parts, *parts[name])
	}
	return found, nil
}

// logBegin is the first batch of the log; zero when there is none.
func (s *storage) logBegin(ctx context.Context) (api.StoredAt, error) {
	if s.begin.Position == s.app.log.First() {
		return s.begin, nil
	}
	err := s.app.readLog(ctx, 1, func(b event.Stored) error {
		s.begin = api.StoredAt{At: b.EndTime(), Position: b.Position}
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return api.StoredAt{}, err
	}
	return s.begin, nil
}

// folder adds up the files of the data folder by what they belong to. The history counts its own.
func (s *storage) folder() (map[string]*api.StoredPart, error) {
	parts := make(map[string]*api.StoredPart)
	for _, name := range []string{"log", "snapshots", "registry", "proof", "damaged"} {
		parts[name] = &api.StoredPart{Part: name}
	}
	dir := s.app.config.DataDir
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was removed meanwhile
		}
		if err != nil || entry.IsDir() {
			return err
		}
		within, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		part := parts[partOf(filepath.ToSlash(within))]
		if part == nil {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		part.Files++
		part.Bytes += info.Size()
		return nil
	})
	return parts, err
}

// partOf says what a file of the data folder belongs to; "" when it is counted elsewhere.
func partOf(path string) string {
	top, _, _ := strings.Cut(path, "/")
	switch {
	case strings.HasPrefix(top, "damaged-"), strings.HasPrefix(top, "history.foreign-"), strings.Contains(path, ".damaged"), strings.HasSuffix(path, ".foreign"):
		return "damaged"
	case top == "history":
		return ""
	case top == "snapshots", top == "proof":
		return top
	case strings.HasPrefix(top, "registry.db"):
		return "registry"
	}
	return "log"
}

// openStorage shows the storage among the metrics.
func (a *App) openStorage(context.Context) error {
	a.storage = &storage{app: a}
	return a.metrics.Register(newStorageFigures(a.storage))
}

// storageFigures are the metrics of the storage.
type storageFigures struct {
	storage                           *storage
	bytes, files, oldest              *prometheus.Desc
	keepLog, keepHistory, free, total *prometheus.Desc
	verifiedAt, verifiedTo            *prometheus.Desc
}

func newStorageFigures(s *storage) *storageFigures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("fleetbeat_storage_"+name, help, labels, nil)
	}
	return &storageFigures{
		storage:     s,
		bytes:       desc("bytes", "Bytes of files on the disk, by what they hold; of the history, by how long a time each is about.", "part", "length"),
		files:       desc("files", "Files on the disk, likewise.", "part", "length"),
		oldest:      desc("oldest_seconds", "Unix time of the oldest that is kept, likewise; 0 when there is nothing, or it has no time.", "part", "length"),
		free:        desc("disk_free_bytes", "Bytes that may still be written on the disk."),
		total:       desc("disk_bytes", "Size of the disk."),
		keepLog:     desc("keep_log_seconds", "How old the log gets; 0: it keeps everything."),
		keepHistory: desc("keep_history_seconds", "How old the history gets; 0: it keeps everything."),
		verifiedAt:  desc("log_verified_seconds", "Unix time at which every block of the log was last verified."),
		verifiedTo:  desc("log_verified_position", "Position up to which it was."),
	}
}

// Describe implements prometheus.Collector.
func (f *storageFigures) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{f.bytes, f.files, f.oldest, f.keepLog, f.keepHistory, f.free, f.total, f.verifiedAt, f.verifiedTo} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (f *storageFigures) Collect(out chan<- prometheus.Metric) {
	found, err := f.storage.look(context.Background())
	if err != nil {
		f.storage.app.config.Logger.Error("the storage cannot be measured", "error", err)
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for i := range found.Parts {
		p := &found.Parts[i]
		gauge(f.bytes, float64(p.Bytes), p.Part, p.Length)
		gauge(f.files, float64(p.Files), p.Part, p.Length)
		gauge(f.oldest, float64(p.Oldest.At)/1000, p.Part, p.Length)
	}
	gauge(f.keepLog, found.KeepLog.Seconds())
	gauge(f.keepHistory, found.KeepHistory.Seconds())
	gauge(f.free, float64(found.Free))
	gauge(f.total, float64(found.Total))
	gauge(f.verifiedAt, float64(found.Verified.At.UnixMilli())/1000)
	gauge(f.verifiedTo, float64(found.Verified.Position))
}
