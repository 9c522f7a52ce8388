package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ProofFormat is the format of a Proof that this package has.
const ProofFormat = "fleetbeat-proof/1"

// Proof shows, to anyone who has the server's public key, that heartbeats of a vehicle are in its log.
type Proof struct {
	Format     string        `json:"format" doc:"What this is, and its version" example:"fleetbeat-proof/1"`
	VIN        string        `json:"vin"`
	Vehicle    uint32        `json:"vehicle" doc:"The vehicle's number in the log, which holds no VIN"`
	From       Time          `json:"from" doc:"All heartbeats received from this moment on"`
	To         Time          `json:"to" doc:"up to this one, which is not in it, are proven"`
	Identity   string        `json:"identity" doc:"Signed note that says which VIN has this number"`
	Checkpoint string        `json:"checkpoint" doc:"Signed note that says what the log holds: C2SP tlog-checkpoint"`
	Batches    []ProvenBatch `json:"batches" nullable:"false" doc:"The batches with heartbeats of the vehicle, in the order of the log"`
}

// ProvenBatch is a batch of the log, and what shows that it is in it.
type ProvenBatch struct {
	Position   uint64   `json:"position" doc:"Of the batch in the log, from 1"`
	Heartbeats []int    `json:"heartbeats" nullable:"false" doc:"Which of the batch's heartbeats are the vehicle's"`
	Batch      []byte   `json:"batch" doc:"As it is stored: message Batch of log.proto. Its SHA-256 is the leaf at position - 1"`
	Path       [][]byte `json:"path" nullable:"false" doc:"Audit path from the leaf to the checkpoint's root, RFC 6962"`
}

// Consistency shows to who kept a checkpoint that the newest one contains all that it did.
type Consistency struct {
	From       uint64   `json:"from" doc:"Size of the checkpoint that was kept"`
	Checkpoint string   `json:"checkpoint" doc:"The newest one: signed note, C2SP tlog-checkpoint"`
	Path       [][]byte `json:"path" nullable:"false" doc:"Consistency proof, RFC 6962, section 2.1.2"`
}

// Proof asks for the proof of a vehicle's heartbeats received from one moment until before another.
func (c *Client) Proof(ctx context.Context, vin string, from, to time.Time) (p Proof, err error) {
	query := url.Values{"from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)}}
	err = c.call(ctx, http.MethodGet, vehiclePath(vin)+"/proof", query, nil, &p)
	return p, err
}

// Consistency asks for the proof that nothing changed since a checkpoint of a size.
func (c *Client) Consistency(ctx context.Context, from uint64) (answer Consistency, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/proof/consistency", url.Values{"from": {strconv.FormatUint(from, 10)}}, nil, &answer)
	return answer, err
}

// ProofKey is the public key by which the server's proofs are checked.
func (c *Client) ProofKey(ctx context.Context) (string, error) { return c.text(ctx, "/v1/proof/key") }

// Checkpoint is the newest signed checkpoint of the server's log.
func (c *Client) Checkpoint(ctx context.Context) (string, error) {
	return c.text(ctx, "/v1/proof/checkpoint")
}

func (c *Client) text(ctx context.Context, path string) (string, error) {
	answer, err := c.send(ctx, http.MethodGet, path, nil, http.Header{}, nil)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	return string(text), err
}
