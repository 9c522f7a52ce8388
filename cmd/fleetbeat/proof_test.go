//go:build linux

package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAProofConvincesWhoHasTheKeyAlone goes the whole way: heartbeats, a proof, its check after the server is gone, and
// the check of what the server left, at each exit code.
func TestAProofConvincesWhoHasTheKeyAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	began := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	liveThrough(t, s)
	key, err := s.ProofKey(t.Context())
	if err != nil || !s.stderr.Contains(strings.TrimSpace(key)) {
		t.Fatalf("the key %q is not in the log, %v", key, err)
	}
	dir := t.TempDir()
	file, keyFile, checkpoint := filepath.Join(dir, "proof.json"), filepath.Join(dir, "key"), filepath.Join(dir, "checkpoint")
	writeFile(t, keyFile, []byte(key))
	if p := run(t, nil, "prove", "tractor-1", "--from", began, "--out", file, "--url", s.url); p.code() != 0 {
		t.Fatalf("exit code %d", p.code())
	}
	if p := run(t, nil, "prove", "tractor-3", "--from", began, "--out", file+"2", "--url", s.url); p.code() != 1 || !p.stderr.Contains("nothing to prove") {
		t.Errorf("of a silent vehicle: exit code %d", p.code())
	}
	kept, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, checkpoint, []byte(kept))
	if code := s.stop(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}

	p := run(t, nil, "verify", file, "--key", keyFile, "--json")
	var proven struct {
		VIN        string
		Heartbeats []struct{ Sequence *int64 }
	}
	if err := json.Unmarshal([]byte(p.stdout.String()), &proven); err != nil || p.code() != 0 || proven.VIN != "tractor-1" || len(proven.Heartbeats) != 5 {
		t.Errorf("exit code %d, %+v, %v", p.code(), proven, err)
	}
	broken := strings.Replace(string(readFile(t, file)), `"batch":"`, `"batch":"AAAA`, 1)
	writeFile(t, file+"3", []byte(broken))
	bare := copyOf(t, filepath.Join(s.data, "log"))
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{file, "--key", strings.TrimSpace(key)}, 0, "5 heartbeats of tractor-1, vehicle "},
		{[]string{file}, 2, "give it by --key"},
		{[]string{file, "--key", "nonsense"}, 2, "is no public key"},
		{[]string{file + "3", "--key", keyFile}, 1, "PROVES NOTHING: position "},
		{[]string{keyFile, "--key", keyFile}, 1, "this is no proof"},
		{[]string{s.data, "--key", keyFile}, 0, "signed"},
		{[]string{"--data", s.data}, 0, "the key is the one that lies in the folder"},
		{[]string{bare, "--key", keyFile, "--checkpoint", checkpoint}, 0, "batches behind it are not signed yet"},
		{[]string{bare}, 3, "NOTHING IS SIGNED"},
		{[]string{filepath.Join(dir, "nothing")}, 2, "no such file"},
	} {
		p := run(t, nil, append([]string{"verify"}, c.args...)...)
		if p.code() != c.code || !p.stdout.Contains(c.says) && !p.stderr.Contains(c.says) {
			t.Errorf("%v: exit code %d, %s%s", c.args, p.code(), p.stdout, p.stderr)
		}
	}
}

// TestTheProofSurvivesAKillAtAnyMoment kills a server that appends to its tree and signs it all the time. What was signed
// fits the log it left, the next start goes on with the same tree, without making it anew, and what it proves is true.
func TestTheProofSurvivesAKillAtAnyMoment(t *testing.T) {
	t.Parallel()
	const seed = 20261126
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	t.Logf("seed %d, %d rounds", seed, rounds)
	random := rand.New(rand.NewPCG(seed, 0))
	s := serve(t, t.TempDir(), "--sign-every", "1ms")
	l := newLoad(t, s)
	key, err := s.ProofKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key = strings.TrimSpace(key)
	began, dir := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), t.TempDir()
	kept := filepath.Join(dir, "checkpoint")
	for round := range rounds {
		l.start(t)
		waitAppended(t, s, head(t, s.data)+1)
		checkpoint, err := s.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, kept, []byte(checkpoint))
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		s.kill()
		l.running.Wait()
		p := run(t, nil, "verify", s.data, "--key", key, "--checkpoint", kept)
		if p.code() != 0 || p.stdout.Contains("note:") {
			t.Fatalf("round %d: what the kill left: exit code %d, %s%s", round, p.code(), p.stdout, p.stderr)
		}
		s.start(t)
		file := filepath.Join(dir, fmt.Sprintf("proof-%d.json", round))
		if p := run(t, nil, "prove", l.vins()[0], "--from", began, "--out", file, "--url", s.url); p.code() != 0 {
			t.Fatalf("round %d: no proof: %s", round, p.stderr)
		}
		if p := run(t, nil, "verify", file, "--key", key); p.code() != 0 {
			t.Errorf("round %d: the proof does not hold: %s%s", round, p.stdout, p.stderr)
		}
		if s.stderr.Contains("made anew") || s.stderr.Contains("SIGNED") {
			t.Errorf("round %d: the next start did not go on with the tree", round)
		}
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p := run(t, nil, "verify", s.data, "--key", key, "--checkpoint", kept)
	want := fmt.Sprintf("positions 1 to %d are what", head(t, s.data))
	if p.code() != 0 || !p.stdout.Contains(want) || p.stdout.Contains("note:") {
		t.Errorf("in the end: exit code %d, without %q: %s%s", p.code(), want, p.stdout, p.stderr)
	}
}
