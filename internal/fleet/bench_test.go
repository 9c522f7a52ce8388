package fleet_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

const (
	manyVehicles  = 1_000_000
	manyCustomers = 10_000
)

// directoryOf is the directory of a fleet like real ones: customers of all sizes, VINs of a few makers with serial
// numbers, plates of three letters and three digits, a tag for some. It does not depend on chance.
func directoryOf(vehicles, customers int) fleet.Update {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"Kalles", "Johans", "Haralds", "Svea", "Norrlands", "Göta", "Östersunds", "Bergslagens", "Mälar", "Skåne"}
	trades := []string{"Grustransporter", "Bulk", "Värdetransporter", "Åkeri", "Buss", "Bud", "Schakt", "Taxi", "Logistik", "Renhållning"}
	makers := []string{"YS2R4X2000", "YV2RT40A0K", "WDB9634031", "XLRTEH4300", "WMA06XZZ9H", "VF622GVA0L", "ZCFC735B00", "WV1ZZZSYZJ"}
	const letters = "ABCDEFGHJKLMNOPRSTUWXYZ"
	u := fleet.Update{Revision: 1}
	for c := range customers {
		u.Customers = append(u.Customers, fleet.Customer{
			Number:  event.CustomerID(c + 1),
			ID:      fmt.Sprintf("c%d", c+1),
			Name:    fmt.Sprintf("%s %s %d AB", names[random.IntN(10)], trades[random.IntN(10)], c),
			Address: fmt.Sprintf("Cementvägen %d, %03d %02d Södertälje", random.IntN(99), random.IntN(1000), random.IntN(100)),
		})
	}
	for i := range vehicles {
		owner := random.IntN(customers)
		plate := fmt.Sprintf("%c%c%c%03d", letters[random.IntN(23)], letters[random.IntN(23)], letters[random.IntN(23)], random.IntN(1000))
		v := fleet.Vehicle{
			Number:             event.VehicleID(i + 1),
			VIN:                fmt.Sprintf("%s%07d", makers[owner%len(makers)], i*7919%10_000_000),
			RegistrationNumber: plate,
			Customer:           event.CustomerID(owner + 1),
		}
		if i%3 == 0 {
			v.Tags = []string{[]string{"reefer", "tipper", "city", "long-haul"}[random.IntN(4)]}
		}
		u.Vehicles = append(u.Vehicles, v)
	}
	return u
}

// traffic writes a log: every vehicle once a minute, in an order that does not follow their numbers.
type traffic struct {
	vehicles int
	position event.Position
	now      event.Time
	turn     int
}

const start event.Time = 1_700_000_000_000

func (t *traffic) stored(b event.Batch) event.Stored {
	t.position++
	return event.Stored{Position: t.position, Epoch: 1, Batch: b}
}

// added says that all vehicles are watched.
func (t *traffic) added(u *fleet.Update) event.Stored {
	t.vehicles, t.now = len(u.Vehicles), start
	var b event.Batch
	for i := range u.Vehicles {
		b.Entries = append(b.Entries, event.Entry{ReceivedAt: t.now, Fact: event.VehicleAdded{Vehicle: u.Vehicles[i].Number, Customer: u.Vehicles[i].Customer}})
	}
	return t.stored(b)
}

// next is a batch of n heartbeats and a canary. After the first minute one vehicle in a hundred is silent.
func (t *traffic) next(n int) event.Stored {
	var b event.Batch
	for range n {
		t.turn++
		id := event.VehicleID(uint64(t.turn)*7_368_787%uint64(t.vehicles)) + 1
		if id%100 == 0 && t.turn > t.vehicles {
			continue
		}
		b.Heartbeats.Append(event.Heartbeat{Vehicle: id, ReceivedAt: t.now, Sequence: int64(t.turn / t.vehicles)})
	}
	t.now += event.Time(n * 60_000 / t.vehicles)
	b.Entries = []event.Entry{{After: b.Heartbeats.Len(), ReceivedAt: t.now, Fact: event.Canary{Door: "http"}}}
	return t.stored(b)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

var manyOnce = sync.OnceValues(func() (*fleet.View, *traffic) {
	before := heap()
	v, log := new(traffic).fill(directoryOf(manyVehicles, manyCustomers))
	fmt.Printf("live heap: %.1f bytes per vehicle\n", float64(heap()-before)/manyVehicles)
	return v, log
})

// fill is a view after four minutes of traffic.
func (t *traffic) fill(u fleet.Update) (*fleet.View, *traffic) {
	v := fleet.New(fleet.Config{})
	must(v.Update(u))
	must(v.Apply(t.added(&u)))
	for t.now < start+240_000 {
		must(v.Apply(t.next(1000)))
	}
	_, err := v.Query(fleet.Query{Text: "trans", Presences: []event.Presence{event.Offline}})
	must(err)
	return v, t
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func BenchmarkApply(b *testing.B) {
	v, log := manyOnce()
	for _, size := range []int{10, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			batches := make([]event.Stored, 1000)
			for i := range batches {
				batches[i] = log.next(size)
			}
			applied := 0
			for b.Loop() {
				s := &batches[applied%len(batches)]
				if applied >= len(batches) {
					*s = shifted(*s, log)
				}
				must(v.Apply(*s))
				applied++
			}
			b.ReportMetric(float64(applied*size)/b.Elapsed().Seconds(), "heartbeats/s")
		})
	}
}

// shifted is a batch once more, now: it costs next to nothing to make.
func shifted(s event.Stored, log *traffic) event.Stored {
	log.position++
	s.Position = log.position
	step := log.now - s.Heartbeats.ReceivedAt[0]
	for i := range s.Heartbeats.ReceivedAt {
		s.Heartbeats.ReceivedAt[i] += step
	}
	s.Entries[0].ReceivedAt += step
	log.now = s.Entries[0].ReceivedAt
	return s
}

// BenchmarkQueryFirstUse and BenchmarkQueryAfter ask for a part of customers' names and a presence while 16,700 heartbeats
// a second are applied.
func BenchmarkQueryFirstUse(b *testing.B) { benchmarkQueries(b, true) }

func BenchmarkQueryAfter(b *testing.B) { benchmarkQueries(b, false) }

func benchmarkQueries(b *testing.B, first bool) {
	v, log := manyOnce()
	defer underLoad(v, log)()
	texts := map[string]string{"tenth": "transporter", "hundredth": "kalles bulk", "one": "kalles bulk 12", "vins": "12345", "letter": "a"}
	for _, name := range []string{"tenth", "hundredth", "one", "vins", "letter"} {
		for _, p := range []event.Presence{event.Online, event.Offline} {
			for _, sort := range []string{"vin", "customer", "-last_heartbeat_at", "since"} {
				b.Run(fmt.Sprintf("%s/%v/%s", name, p, sort), func(b *testing.B) {
					q := fleet.Query{
						Text: texts[name], Presences: []event.Presence{p}, Sort: sort, Facets: fleet.FacetCustomers | fleet.FacetTags,
					}
					var took []time.Duration
					total := 0
					for b.Loop() {
						if first {
							v.Forget()
						}
						began := time.Now()
						page, err := v.Query(q)
						took = append(took, time.Since(began))
						must(err)
						total = page.Total
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
					b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
					b.ReportMetric(float64(total), "found")
				})
			}
		}
	}
}

// BenchmarkQueryOffset asks for a page in the middle of all vehicles.
func BenchmarkQueryOffset(b *testing.B) {
	v, _ := manyOnce()
	for _, sort := range []string{"vin", "customer", "-last_heartbeat_at", "since"} {
		b.Run(sort, func(b *testing.B) {
			for b.Loop() {
				_, err := v.Query(fleet.Query{Sort: sort, Offset: 500_000, Limit: 100})
				must(err)
			}
		})
	}
}

// underLoad applies the traffic of the whole fleet, batch by batch in real time, until stop is called.
func underLoad(v *fleet.View, log *traffic) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				must(v.Apply(log.next(167)))
			}
		}
	})
	return func() { close(done); running.Wait() }
}

func BenchmarkUpdate(b *testing.B) {
	u := directoryOf(manyVehicles, manyCustomers)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			v := fleet.New(fleet.Config{})
			must(v.Update(u))
			v.Vehicle("settled")
		}
	})
	v := fleet.New(fleet.Config{})
	must(v.Update(u))
	b.Run("bulk", func(b *testing.B) {
		part := u.Vehicles[:100_000:100_000]
		for i := 0; b.Loop(); i++ {
			part = slices.Clone(part)
			for n := range part {
				part[n].RegistrationNumber = fmt.Sprintf("NEW%03d", (n+i)%1000)
			}
			must(v.Update(fleet.Update{Vehicles: part}))
			v.Vehicle("settled")
		}
	})
	b.Run("one", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			one := u.Vehicles[i%len(u.Vehicles)]
			one.RegistrationNumber = fmt.Sprint(i)
			must(v.Update(fleet.Update{Vehicles: []fleet.Vehicle{one}}))
			v.Vehicle("settled")
		}
	})
}

func BenchmarkSave(b *testing.B) {
	v, _ := manyOnce()
	var saved bytes.Buffer
	for b.Loop() {
		saved.Reset()
		must(v.Save(&saved))
	}
	b.ReportMetric(float64(saved.Len())/manyVehicles, "bytes/vehicle")
}

func BenchmarkLoad(b *testing.B) {
	v, _ := manyOnce()
	var saved bytes.Buffer
	must(v.Save(&saved))
	for b.Loop() {
		_, err := fleet.Load(fleet.Config{}, bytes.NewReader(saved.Bytes()))
		must(err)
	}
	b.StopTimer()
	before := heap()
	loaded, err := fleet.Load(fleet.Config{}, bytes.NewReader(saved.Bytes()))
	must(err)
	b.ReportMetric(float64(heap()-before)/manyVehicles, "heap-bytes/vehicle")
	runtime.KeepAlive(loaded)
	runtime.KeepAlive(&saved)
}

func BenchmarkGrid(b *testing.B) {
	v, _ := manyOnce()
	v.Grid()
	for b.Loop() {
		v.Grid()
	}
}
