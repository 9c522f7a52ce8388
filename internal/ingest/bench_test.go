//go:build unix

package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/ingest/ingestpb"
)

const benchItems = 1000

// benchBodies are batches of benchItems heartbeats of vehicles drawn from 1 to vehicles.
func benchBodies(b *testing.B, vehicles int) map[string][]byte {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var lines bytes.Buffer
	var batch ingestpb.HeartbeatBatch
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for i := range benchItems {
		v, sent := random.IntN(vehicles)+1, at.Add(time.Duration(i)*time.Millisecond)
		fmt.Fprintf(&lines, `{"vehicle":%q,"sent_at":%q,"sequence":%d}`+"\n", vin(v), sent.Format("2006-01-02T15:04:05.000Z"), 100_000+i)
		batch.Heartbeats = append(batch.Heartbeats, &ingestpb.Heartbeat{
			Vehicle: vin(v), SentAtMs: new(sent.UnixMilli()), Sequence: new(uint64(100_000 + i)),
		})
	}
	array := "[" + strings.ReplaceAll(strings.TrimSpace(lines.String()), "\n", ",") + "]"
	pb, err := proto.Marshal(&batch)
	if err != nil {
		b.Fatal(err)
	}
	return map[string][]byte{typeNDJSON: lines.Bytes(), typeJSON: []byte(array), typeProtobuf: pb}
}

// perItem reports what one heartbeat costs; of the figures, CPU time suffers least from other work on the machine.
func perItem(b *testing.B, items int, cpu time.Duration) {
	b.Helper()
	n := float64(b.N) * float64(items)
	b.ReportMetric(n/b.Elapsed().Seconds(), "heartbeats/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/n, "cpu-ns/heartbeat")
}

// cpuTime is how long this process has used processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkDecode(b *testing.B) {
	for kind, body := range benchBodies(b, 1000) {
		decode := map[string]func([]byte, []item, int) ([]item, error){
			typeNDJSON: decodeNDJSON, typeJSON: decodeJSON, typeProtobuf: decodeProtobuf,
		}[kind]
		b.Run(strings.TrimPrefix(kind, "application/"), func(b *testing.B) {
			var items []item
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			cpu := cpuTime(b)
			for b.Loop() {
				var err error
				if items, err = decode(body, items[:0], MaxItems); err != nil || len(items) != benchItems {
					b.Fatal(err)
				}
			}
			perItem(b, benchItems, cpu)
		})
	}
}

func BenchmarkSetLookup(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := bigSet(b, n)
			ids := make([][]byte, 1<<16)
			for i := range ids {
				ids[i] = []byte(vin(rand.IntN(n) + 1))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if number, _ := s.Lookup(ids[i&(len(ids)-1)]); number == 0 {
					b.Fatal("not found")
				}
			}
		})
	}
}

// BenchmarkCommit has callers that each wait for their heartbeat before they send the next, paced and not.
func BenchmarkCommit(b *testing.B) {
	for _, pace := range []struct {
		name   string
		rows   int
		period time.Duration
	}{{"unpaced", 0, -1}, {"32rows2ms", 32, 2 * time.Millisecond}, {"64rows2ms", 64, 2 * time.Millisecond}, {"32rows1ms", 32, time.Millisecond}} {
		for _, callers := range []int{1, 64, 256, 512} {
			b.Run(fmt.Sprintf("%s/callers=%d", pace.name, callers), func(b *testing.B) {
				h := newHouse(b, options{committer: CommitterConfig{PaceRows: pace.rows, PacePeriod: pace.period}})
				b.ResetTimer()
				cpu := cpuTime(b)
				together(callers, b.N, func(i int) {
					if _, err := h.committer.Submit(b.Context(), []event.Heartbeat{row(event.VehicleID(i%100+1), int64(i))}); err != nil {
						b.Error(err)
					}
				})
				perItem(b, 1, cpu)
				b.ReportMetric(float64(b.N)/float64(h.log.Head()), "rows/commit")
			})
		}
	}
}

// BenchmarkDoors measures whole requests over loopback. The client shares the machine, so it does next to nothing.
func BenchmarkDoors(b *testing.B) {
	const vehicles = 1_000_000
	h := newHouse(b, options{})
	for i := 101; i <= vehicles; i++ {
		if err := h.vehicles.Put(vin(i), event.VehicleID(i)); err != nil {
			b.Fatal(err)
		}
	}
	for kind, body := range benchBodies(b, vehicles) {
		request := []byte(fmt.Sprintf("POST /v1/heartbeats HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body))
		b.Run("batch/"+strings.TrimPrefix(kind, "application/"), func(b *testing.B) {
			h.load(b, 8, benchItems, func(int) []byte { return request })
		})
	}
	for _, callers := range []int{64, 256} {
		for _, path := range []string{"/noop/", "/heartbeat/"} {
			b.Run(fmt.Sprintf("single%scallers=%d", path, callers), func(b *testing.B) {
				h.load(b, callers, 1, func(i int) []byte {
					return []byte("POST " + path + vin(i%vehicles+1) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
				})
			})
		}
	}
}

// load sends b.N requests over so many connections, one at a time on each.
func (h *house) load(b *testing.B, connections, items int, request func(i int) []byte) {
	b.Helper()
	idle := make(chan *bufio.ReadWriter, connections)
	for range connections {
		conn, err := net.Dial("tcp", h.server.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		idle <- bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
	}
	b.ResetTimer()
	cpu := cpuTime(b)
	together(connections, b.N, func(i int) {
		conn := <-idle
		defer func() { idle <- conn }()
		_, err := conn.Write(request(i))
		if err := errors.Join(err, conn.Flush(), readOK(conn.Reader)); err != nil {
			b.Error(err)
		}
	})
	perItem(b, items, cpu)
}

// readOK reads a response of status 200.
func readOK(r *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil || first && !bytes.Contains(line, []byte(" 200 ")) {
			return fmt.Errorf("%q: %w", line, err)
		}
		if size, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(size)))
		}
		if len(line) == 2 {
			_, err := r.Discard(length)
			return err
		}
	}
}

// together does n things with several callers.
func together(callers, n int, do func(i int)) {
	var all sync.WaitGroup
	work := make(chan int, 4096)
	for range callers {
		all.Go(func() {
			for i := range work {
				do(i)
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	all.Wait()
}
