package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

// errNoProof says that this process signs nothing.
var errNoProof = errors.New("this server makes no proofs")

// errNoPeriod says that a time ends before it begins.
var errNoPeriod = errors.New("from must be before to, and both after 1970 and before the year 10000")

// provers is how many proofs may be made at once: each takes a core for some seconds at most.
const provers = 2

type proofQuery struct {
	VehiclePath
	From time.Time `query:"from" required:"true" doc:"The heartbeats received from this moment on, RFC 3339"`
	To   time.Time `query:"to" required:"true" doc:"up to this one, which is not in it"`
}

type consistencyQuery struct {
	From uint64 `query:"from" required:"true" minimum:"1" doc:"Size of the checkpoint that was kept"`
}

// describeProof registers what lets others check the record.
func (s *server) describeProof() {
	turns := newTurns(provers, errLogBusy)
	typed(s, huma.Operation{
		OperationID: "prove-heartbeats", Method: http.MethodGet, Path: "/v1/vehicles/{vin}/proof", Tags: []string{"proof"},
		Summary: "The proof of a vehicle's heartbeats",
		Description: "A file that anyone can check offline: fleetbeat verify FILE --key KEY. It carries the batches of the log that the heartbeats came in, " +
			"so it also holds what other vehicles sent in them, by number. A few hours at a time: what is too much is refused.",
		Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, q *proofQuery) (*body[client.Proof], error) {
		row, ok := s.cfg.View.Vehicle(q.VIN)
		switch {
		case !ok:
			return nil, errNoVehicle
		case !q.From.Before(q.To) || q.From.Year() < 1970 || q.To.Year() > 9999:
			return nil, errNoPeriod
		case s.cfg.Proof == nil:
			return nil, errNoProof
		}
		done, err := turns.take()
		if err != nil {
			return nil, err
		}
		defer done()
		found, err := s.cfg.Proof.Prove(ctx, row.Number, q.VIN, event.At(q.From), event.At(q.To))
		if err != nil {
			return nil, err
		}
		return &body[client.Proof]{found}, nil
	})
	typed(s, huma.Operation{
		OperationID: "prove-consistency", Method: http.MethodGet, Path: "/v1/proof/consistency", Tags: []string{"proof"},
		Summary:     "The proof that nothing changed since a checkpoint",
		Description: "That the newest checkpoint's tree contains the tree of the size given: a consistency proof, RFC 6962, section 2.1.2.",
		Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(_ context.Context, q *consistencyQuery) (*body[client.Consistency], error) {
		if s.cfg.Proof == nil {
			return nil, errNoProof
		}
		path, signed, err := s.cfg.Proof.Consistency(event.Position(q.From))
		if err != nil {
			return nil, err
		}
		answer := client.Consistency{From: q.From, Checkpoint: string(signed), Path: make([][]byte, len(path))}
		for i := range path {
			answer.Path[i] = path[i][:]
		}
		return &body[client.Consistency]{answer}, nil
	})
	s.describeNotes()
}

// describeNotes registers what is served as text.
func (s *server) describeNotes() {
	s.stream(huma.Operation{
		OperationID: "proof-key", Method: http.MethodGet, Path: "/v1/proof/key", Tags: []string{"proof"},
		Summary: "The public key by which proofs and checkpoints are checked", Description: "As a signed note's verifier key. Keep it elsewhere.",
		Responses: answers("The key", "text/plain", nil),
	}, func(w http.ResponseWriter, _ *http.Request) {
		if s.cfg.Proof == nil {
			writeModel(w, problemOf(errNoProof, "", s.logger))
			return
		}
		writeText(w, []byte(s.cfg.Proof.Key()+"\n"))
	})
	s.stream(huma.Operation{
		OperationID: "proof-checkpoint", Method: http.MethodGet, Path: "/v1/proof/checkpoint", Tags: []string{"proof"},
		Summary:     "The newest signed checkpoint of the log",
		Description: "A signed note after C2SP tlog-checkpoint: name of the key, number of batches, root of the Merkle tree. Keep one elsewhere from time to time.",
		Responses:   answers("The checkpoint", "text/plain", nil),
	}, func(w http.ResponseWriter, _ *http.Request) {
		err := errNoProof
		if s.cfg.Proof != nil {
			var signed []byte
			if signed, err = s.cfg.Proof.Checkpoint(); err == nil {
				writeText(w, signed)
				return
			}
		}
		writeModel(w, problemOf(err, "", s.logger))
	})
}

func writeText(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // an error here is the caller's connection
}
