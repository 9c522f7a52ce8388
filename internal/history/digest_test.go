package history

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fleetbeat/fleetbeat/internal/backtest"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/presence"
)

// judged draws a log that is listened to most of the time, in which vehicles fall silent for about as long as their policies,
// and much happens in one millisecond.
type judged struct {
	t    *rapid.T
	now  event.Time
	open event.Batch
	log  aLog
}

const judgedVehicles = 4

var judgedPolicies = []event.Policy{
	{},
	{LateAfter: 8 * time.Second, OfflineAfter: 12 * time.Second},
	{LateAfter: 20 * time.Second, OfflineAfter: 20 * time.Second},
	{LateAfter: 60 * time.Second, OfflineAfter: 100 * time.Second},
	{LateAfter: 3 * time.Minute, OfflineAfter: 4 * time.Minute},
}

func drawJudged(t *rapid.T) *judged {
	j := &judged{t: t, now: benchBegin - event.Time(rapid.IntRange(0, 600_000).Draw(t, "before the hour"))}
	for v := range event.VehicleID(judgedVehicles) {
		j.fact(event.VehicleAdded{Vehicle: v + 1, Customer: j.customer()})
	}
	steps := []func(){
		j.cut, j.listen, j.listen, j.listen, j.listen,
		func() { j.now += event.Time(rapid.IntRange(1, 30_000).Draw(t, "unobserved")) },
		func() { j.now += hour },
		func() { j.heartbeat(j.vehicle()) },
		func() { j.fact(event.VehiclePaused{Vehicle: j.vehicle()}) },
		func() { j.fact(event.VehicleResumed{Vehicle: j.vehicle()}) },
		func() { j.fact(event.VehicleRemoved{Vehicle: j.vehicle()}) },
		func() { j.fact(event.VehicleAdded{Vehicle: j.vehicle(), Customer: j.customer()}) },
		func() { j.fact(event.ObserverStarted{}) },
		func() { j.fact(event.PolicyChanged{Vehicle: j.vehicle(), Policy: j.policy()}) },
		func() { j.fact(event.PolicyChanged{Customer: j.customer(), Policy: j.policy()}) },
		func() { j.fact(event.PolicyChanged{Policy: j.policy()}) },
		func() {
			j.cut()
			j.open.Entries = []event.Entry{{ReceivedAt: j.now, Fact: event.Lost{Reason: "gone"}}}
			j.cut()
		},
	}
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		steps[rapid.IntRange(0, len(steps)-1).Draw(t, "step")]()
	}
	j.fact(event.Canary{})
	j.cut()
	return j
}

func (j *judged) vehicle() event.VehicleID {
	return event.VehicleID(rapid.IntRange(1, judgedVehicles).Draw(j.t, "vehicle"))
}

func (j *judged) customer() event.CustomerID {
	return event.CustomerID(rapid.IntRange(1, 2).Draw(j.t, "customer"))
}

func (j *judged) policy() event.Policy {
	return rapid.SampledFrom(judgedPolicies).Draw(j.t, "policy")
}

func (j *judged) fact(f event.Fact) {
	j.open.Entries = append(j.open.Entries, event.Entry{After: j.open.Heartbeats.Len(), ReceivedAt: j.now, Fact: f})
}

func (j *judged) heartbeat(v event.VehicleID) {
	flags := rapid.SampledFrom([]event.Flags{0, 0, 0, event.Buffered, event.Repeat}).Draw(j.t, "flags")
	j.open.Heartbeats.Append(event.Heartbeat{Vehicle: v, ReceivedAt: j.now, Sequence: event.NoSequence, Flags: flags})
}

// listen lets canaries come for a while, and some vehicles send now and then, often in the millisecond of a canary.
func (j *judged) listen() {
	senders := rapid.SliceOfN(rapid.IntRange(1, judgedVehicles), 0, 3).Draw(j.t, "senders")
	every := rapid.IntRange(1, 12).Draw(j.t, "every")
	apart := event.Time(rapid.SampledFrom([]int{500, 1900, 2000}).Draw(j.t, "apart"))
	off := event.Time(rapid.SampledFrom([]int{0, 0, 1, 300}).Draw(j.t, "off"))
	cuts := rapid.IntRange(1, 20).Draw(j.t, "batches of")
	for i := range rapid.IntRange(1, 60).Draw(j.t, "canaries") {
		j.now += apart - off
		if i%3 == 0 {
			j.fact(event.Canary{})
		}
		j.now += off
		if i%every == 0 {
			for _, v := range senders {
				j.heartbeat(event.VehicleID(v))
			}
		}
		if i%cuts == 0 {
			j.cut()
		}
		if i%3 != 0 {
			j.fact(event.Canary{})
		}
	}
}

func (j *judged) cut() {
	if j.open.Heartbeats.Len()+len(j.open.Entries) > 0 {
		j.log = append(j.log, event.Stored{Position: event.Position(len(j.log) + 1), Epoch: 1, Batch: j.open})
	}
	j.open = event.Batch{}
}

func (j *judged) query() backtest.Query {
	q := backtest.Query{Policy: rapid.SampledFrom(judgedPolicies[1:]).Draw(j.t, "tested"), Examples: 3, Customer: event.CustomerID(rapid.IntRange(0, 2).Draw(j.t, "of"))}
	if rapid.Bool().Draw(j.t, "in a window") {
		first := j.log[0].EndTime()
		draw := func(name string) event.Time {
			return first + event.Time(rapid.Int64Range(-1, int64(j.now-first)).Draw(j.t, name))
		}
		a, b := draw("from"), draw("to")
		q.From, q.To = min(a, b), max(a, b)+1
	}
	return q
}

// TestABacktestOverFilesSaysWhatOneOverTheLogSays: whatever is in files, in one or many, compacted or not, a back-test by what
// Digest tells and by the rest of the log finds what one finds that reads every batch.
func TestABacktestOverFilesSaysWhatOneOverTheLogSays(t *testing.T) {
	logs, sealedOnes, outages := 0, 0, uint64(0)
	inTemp(t, func(t *rapid.T, dir string) {
		logs++
		j := drawJudged(t)
		h, err := Open(Config{Dir: dir, PartBytes: rapid.SampledFrom([]int{100, 1_000, 10_000, 1 << 30}).Draw(t, "part")})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		apply(t, h, j.log, rapid.SampledFrom([]working{inMemory, sealed, compacted}).Draw(t, "until"))
		q := j.query()
		want := backtest.New(q)
		for _, s := range j.log {
			if !want.Apply(s) {
				break
			}
		}
		got := backtest.New(q)
		told, err := Digest(t.Context(), dir, q.Policy, got)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range j.log {
			if told.Enough {
				break
			}
			if s.Position >= told.Next {
				told.Enough = !got.Apply(told.Rest(s))
			}
		}
		report := got.Report()
		if diff := gocmp.Diff(want.Report(), report, cmpopts.IgnoreUnexported(backtest.Outage{})); diff != "" {
			t.Fatalf("sealed until %v, position %d (-by the log +by the files):\n%s", told.Until, told.Next, diff)
		}
		if told.Next > 1 {
			sealedOnes++
		}
		outages += report.Present.Outages + report.Tested.Outages
		for i := range h.manifest.Files {
			_ = os.Remove(h.disk.path(h.manifest.Files[i].Name)) // the folders of all checks lie in memory
		}
	})
	// Of a few logs, as they are drawn with the race detector, none may have an outage by chance.
	const enough = 30
	if logs >= enough && (sealedOnes == 0 || outages == 0) {
		t.Errorf("%d logs had something in files, and they had %d outages", sealedOnes, outages)
	}
}

// TestDigestRefusesWhatTheFilesDoNotTell: a folder that lacks something has no digest, and neither has one with a harmed file.
func TestDigestRefusesWhatTheFilesDoNotTell(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, h *History, m *manifest){
		"without a state": func(_ *testing.T, _ *History, m *manifest) {
			m.Kept = m.Begin
			m.Files = slices.DeleteFunc(m.Files, func(f file) bool { return f.Kind == stateFiles })
		},
		"missing": func(_ *testing.T, _ *History, m *manifest) { m.Missing = []missing{{heartbeatFiles, m.Files[0].span}} },
		"older":   func(_ *testing.T, _ *History, m *manifest) { m.Format = 1 },
		"later":   func(_ *testing.T, _ *History, m *manifest) { m.Files = m.Files[6:] },
		"harmed": func(t *testing.T, h *History, m *manifest) {
			path := h.disk.path(m.of(heartbeatFiles, 0, endOfTime)[0].Name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log aLog
			for i := range event.Time(10) {
				s := event.Stored{Position: event.Position(i + 1), Epoch: 1}
				s.Heartbeats.Append(event.Heartbeat{Vehicle: 1, ReceivedAt: benchBegin + i*hour/2, Sequence: event.NoSequence})
				s.Entries = []event.Entry{{After: 1, ReceivedAt: benchBegin + i*hour/2, Fact: event.Canary{Door: "a"}}}
				log = append(log, s)
			}
			h := open(t, t.TempDir(), log)
			defer h.Close()
			apply(t, h, log, sealed)
			q := backtest.Query{Policy: event.DefaultPolicy}
			if told, err := Digest(t.Context(), h.config.Dir, q.Policy, backtest.New(q)); err != nil || told.Heartbeats < 5 {
				t.Fatalf("%d heartbeats, %v", told.Heartbeats, err)
			}
			m := h.manifest.clone()
			harm(t, h, m)
			if err := h.disk.writeManifest(m); err != nil {
				t.Fatal(err)
			}
			if _, err := Digest(t.Context(), h.config.Dir, q.Policy, backtest.New(q)); !errors.Is(err, ErrNoDigest) {
				t.Errorf("it is told: %v", err)
			}
		})
	}
}

// TestABacktestOverWhatIsKeptBeginsWithWhoWasWatched: where older files were dropped, a back-test finds what one finds over a
// log that begins there with the facts of the registry.
func TestABacktestOverWhatIsKeptBeginsWithWhoWasWatched(t *testing.T) {
	dropped := 0
	inTemp(t, func(t *rapid.T, dir string) {
		j := drawJudged(t)
		for range 3 { // hours, so that there is something to drop
			j.now += hour
			j.listen()
		}
		j.fact(event.Canary{})
		j.cut()
		h := openKeeping(t, dir, j.log, time.Hour)
		defer h.Close()
		apply(t, h, j.log, compacted)
		m := h.manifest
		state := m.sealedState(m.Begin)
		if m.Kept == 0 || state == nil {
			return
		}
		before, err := h.readState(state, presence.Load)
		if err != nil {
			t.Fatal(err)
		}
		q := j.query()
		q.Customer = 0
		want, got := backtest.New(q), backtest.New(q)
		more := true
		for _, f := range before.rule.Facts() {
			more = more && want.Apply(event.Stored{Position: state.First, Batch: event.Batch{Entries: []event.Entry{{ReceivedAt: state.From, Fact: f}}}})
		}
		since := Digested{Next: state.First, Until: state.From}
		for _, s := range j.log {
			if more && s.Position >= since.Next {
				more = want.Apply(since.Rest(s))
			}
		}
		told, err := Digest(t.Context(), dir, q.Policy, got)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range j.log {
			if !told.Enough && s.Position >= told.Next {
				told.Enough = !got.Apply(told.Rest(s))
			}
		}
		report := got.Report()
		if diff := gocmp.Diff(want.Report(), report, cmpopts.IgnoreUnexported(backtest.Outage{})); diff != "" {
			t.Fatalf("kept from %v (-by the log +by the files):\n%s", m.Kept, diff)
		}
		dropped++
	})
	if dropped == 0 {
		t.Error("no log had something dropped")
	}
}
