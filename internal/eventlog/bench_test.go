package eventlog

import (
	"path/filepath"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// plain gives batches without optional columns, as most are.
func plain(batches, n int) []event.Batch {
	made := history(7, 2*batches, n)
	for i := range batches {
		made[i] = made[2*i]
	}
	return made[:batches]
}

func BenchmarkEncode256(b *testing.B) {
	var e encoder
	batch := plain(1, 256)[0]
	for b.Loop() {
		if _, _, err := e.encode(header{epoch: 1, number: 1 << 20}, &batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(256*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mhb/s")
}

func BenchmarkDecode256(b *testing.B) {
	var e encoder
	batch := plain(1, 256)[0]
	_, encoded, err := e.encode(header{epoch: 1, number: 1 << 20}, &batch)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(encoded)))
	var d decoder
	for b.Loop() {
		if _, err := d.decode(encoded); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(256*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mhb/s")
}

func BenchmarkDecode256AllColumns(b *testing.B) {
	var e encoder
	var d decoder
	batch := history(7, 2, 256)[1]
	_, encoded, err := e.encode(header{epoch: 1, number: 1 << 20}, &batch)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := d.decode(encoded); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(256*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mhb/s")
}

func benchmarkAppend(b *testing.B, rows int) {
	b.Helper()
	l := open(b, b.TempDir())
	batch := plain(1, rows)[0]
	at := event.Time(1 << 30)
	for b.Loop() {
		at++
		for i := range batch.Heartbeats.ReceivedAt {
			batch.Heartbeats.ReceivedAt[i] = at
		}
		batch.Entries[0].ReceivedAt = at
		if _, err := l.Append(b.Context(), &batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mhb/s")
}

func BenchmarkAppend16(b *testing.B)   { benchmarkAppend(b, 16) }
func BenchmarkAppend256(b *testing.B)  { benchmarkAppend(b, 256) }
func BenchmarkAppend8000(b *testing.B) { benchmarkAppend(b, 8000) }

func benchmarkRead(b *testing.B, batches, rows int) {
	b.Helper()
	dir := b.TempDir()
	l := open(b, dir)
	appendAll(b, l, plain(batches, rows))
	closeLog(b, l)
	b.ResetTimer()
	for b.Loop() {
		report, err := Read(dir, 1, nil)
		if err != nil || report.Heartbeats != uint64(batches*rows) {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(float64(batches*rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mhb/s")
}

func BenchmarkRead1000(b *testing.B) { benchmarkRead(b, 500, 1000) }
func BenchmarkRead12(b *testing.B)   { benchmarkRead(b, 3000, 12) }

// BenchmarkOpen opens a log of 6 million heartbeats in batches of 12: verification on all cores, then the server.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	l := open(b, dir)
	closeLog(b, l)
	const batches = 500_000
	w := blockWriter{dir: msgsDir(filepath.Join(dir, storeName))}
	batch := plain(1, 12)[0]
	batch.Entries = nil
	for i := range batches {
		h := header{epoch: 1, number: event.Position(i + 1), previous: w.chain}
		record, encoded, err := w.encoder.encode(h, &batch)
		if err == nil {
			err = w.write(h.number, 1, record, h.link(encoded))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.finish(); err != nil {
		b.Fatal(err)
	}
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if found, err := inspect(dir); err != nil || len(found.damages()) > 0 {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			l := open(b, dir)
			if l.Head() != batches {
				b.Fatal(l.Damages())
			}
			closeLog(b, l)
		}
	})
}
