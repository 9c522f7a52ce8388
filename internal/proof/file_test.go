package proof

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

const vin = "YS2R4X20005399401"

// newProof proves the heartbeats 10 to 13 of vehicle 5 in a log of 40.
func newProof(t testing.TB) (client.Proof, note.Verifier) {
	t.Helper()
	dir := t.TempDir()
	l := openLog(t, dir)
	appendTo(t, l, history(40))
	tree := start(t, dir, l)
	tree.signed(t, 40)
	p, err := tree.Prove(t.Context(), 5, vin, began+10_000, began+14_000)
	if err != nil {
		t.Fatal(err)
	}
	return p, keyOf(t, dir)
}

func encode(t testing.TB, p client.Proof) []byte {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAProofIsCheckedWithThePublicKeyAlone(t *testing.T) {
	p, key := newProof(t)
	proven, err := VerifyFile(bytes.NewReader(encode(t, p)), key)
	if err != nil {
		t.Fatal(err)
	}
	if proven.VIN != vin || proven.Vehicle != 5 || len(proven.Heartbeats) != 4 || proven.Checkpoint.Size != 40 {
		t.Fatalf("%+v", proven)
	}
	for i, h := range proven.Heartbeats {
		want := event.ID{Position: event.Position(11 + i), Index: 4}
		if h.ID != want || h.ReceivedAt != began+event.Time(10+i)*1000 || h.Sequence != int64(10+i) {
			t.Errorf("heartbeat %d: %+v", i, h)
		}
	}
}

func TestAProofThatWasChangedProvesNothing(t *testing.T) {
	good, key := newProof(t)
	other, otherKey := newProof(t)
	for name, c := range map[string]struct {
		change func(p *client.Proof)
		says   string
	}{
		"another vehicle":          {func(p *client.Proof) { p.VIN = "VLUR4X20009093588" }, "not that of"},
		"another number":           {func(p *client.Proof) { p.Vehicle = 6 }, "not that of"},
		"another's identity":       {func(p *client.Proof) { p.Identity = other.Identity }, "identity of the vehicle is not signed"},
		"another's checkpoint":     {func(p *client.Proof) { p.Checkpoint = other.Checkpoint }, "checkpoint is not signed"},
		"identity as checkpoint":   {func(p *client.Proof) { p.Checkpoint = p.Identity }, "has no root"},
		"another format":           {func(p *client.Proof) { p.Format = "fleetbeat-proof/2" }, "format"},
		"a bit of a batch":         {func(p *client.Proof) { p.Batches[1].Batch[40] ^= 1 }, "position 12: the batch is not"},
		"a bit of a path":          {func(p *client.Proof) { p.Batches[2].Path[0][0] ^= 1 }, "position 13: the batch is not"},
		"a path too short":         {func(p *client.Proof) { p.Batches[2].Path = p.Batches[2].Path[1:] }, "position 13: the batch is not"},
		"a hash too short":         {func(p *client.Proof) { p.Batches[0].Path[0] = p.Batches[0].Path[0][1:] }, "not of 32 bytes"},
		"another position":         {func(p *client.Proof) { p.Batches[3].Position++ }, "position 15: the batch is not"},
		"a position in the future": {func(p *client.Proof) { p.Batches[3].Position = 41 }, "covers 40"},
		"position 0":               {func(p *client.Proof) { p.Batches[0].Position = 0 }, "position 0 stands behind"},
		"a batch twice":            {func(p *client.Proof) { p.Batches[1] = p.Batches[0] }, "position 11 stands behind position 11"},
		"a heartbeat left out":     {func(p *client.Proof) { p.Batches[0].Heartbeats = nil }, "the vehicle's heartbeats in it"},
		"another's heartbeat":      {func(p *client.Proof) { p.Batches[0].Heartbeats = []int{7} }, "the vehicle's heartbeats in it"},
		"a shorter time":           {func(p *client.Proof) { p.To = client.At((began + 12_000).Std()) }, "position 13: the vehicle's heartbeats in it are []"},
	} {
		t.Run(name, func(t *testing.T) {
			var p client.Proof
			if err := json.Unmarshal(encode(t, good), &p); err != nil {
				t.Fatal(err)
			}
			c.change(&p)
			if _, err := VerifyFile(bytes.NewReader(encode(t, p)), key); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, want %q", err, c.says)
			}
		})
	}
	if _, err := VerifyFile(bytes.NewReader(encode(t, good)), otherKey); err == nil {
		t.Error("another's key proves it")
	}
}

// FuzzProofFile holds the reader of proofs to what it promises: whatever it accepts holds the heartbeats that were signed.
func FuzzProofFile(f *testing.F) {
	good, key := newProof(f)
	data := encode(f, good)
	f.Add(data)
	f.Add([]byte("{}"))
	f.Add(bytes.Replace(data, []byte(`"heartbeats":[4]`), []byte(`"heartbeats":[-1,4]`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		proven, err := VerifyFile(bytes.NewReader(data), key)
		if err != nil {
			return
		}
		for _, h := range proven.Heartbeats {
			if h.Vehicle != 5 || h.ReceivedAt != began+event.Time(h.ID.Position-1)*1000 || h.ID.Index != 4 || proven.VIN != vin {
				t.Errorf("it accepts %+v", h)
			}
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	p, key := newProof(f)
	f.Add(p.Checkpoint)
	f.Add(p.Identity)
	f.Add(strings.Replace(p.Checkpoint, "\n40\n", "\n040\n", 1))
	f.Fuzz(func(t *testing.T, signed string) {
		if c, err := OpenCheckpoint([]byte(signed), key); err == nil && (c.Size != 40 || !strings.HasPrefix(signed, c.text())) {
			t.Errorf("it accepts %q as %+v", signed, c)
		}
		if c, err := parseCheckpoint(signed); err == nil && c.text() != signed {
			t.Errorf("it reads %q as %+v", signed, c)
		}
	})
}

// FuzzTreeFiles starts on files of any content: the tree ends up right, and nobody is told otherwise.
func FuzzTreeFiles(f *testing.F) {
	f.Add([]byte{}, []byte{}, []byte{})
	f.Add(bytes.Repeat([]byte{7}, 3200), bytes.Repeat([]byte{9}, 100), []byte("fleetbeat\n5\nx\n"))
	f.Fuzz(func(t *testing.T, leaves, nodes, checkpoint []byte) {
		dir := fuzzFolder(t, leaves, nodes, checkpoint)
		l := openLog(t, dir)
		appendTo(t, l, history(3))
		tree := start(t, dir, l)
		tree.signed(t, 3)
		tree.stop()
		if report := verify(t, Folder{Dir: dir}); report.Finding != nil || report.Signed != 3 {
			t.Errorf("%+v", report)
		}
	})
}
