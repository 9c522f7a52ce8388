package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/klauspost/compress/zstd"
)

// Batch is many heartbeats for one call: at most 10,000, and 4 MiB before compression.
type Batch struct {
	Items    []NewHeartbeat // each with its Vehicle
	Compress Compression    // how the body travels; default None
}

// Compression names how a request's body travels.
type Compression string

// The compressions that the server reads.
const (
	None Compression = ""
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// Heartbeat sends one heartbeat for a vehicle; what else it says may be left zero. When it returns nil, the heartbeat
// is durable.
func (c *Client) Heartbeat(ctx context.Context, vin string, h NewHeartbeat) (accepted Accepted, err error) {
	h.Vehicle = ""
	err = c.call(ctx, http.MethodPost, vehiclePath(vin)+"/heartbeats", nil, h, &accepted)
	return accepted, err
}

// Heartbeats sends a batch as NDJSON. When it returns nil, all that the answer does not list as rejected are durable.
func (c *Client) Heartbeats(ctx context.Context, b Batch) (accepted BatchAccepted, err error) {
	var plain bytes.Buffer
	lines := json.NewEncoder(&plain)
	for i := range b.Items {
		if err := lines.Encode(&b.Items[i]); err != nil {
			return BatchAccepted{}, fmt.Errorf("writing heartbeat %d: %w", i, err)
		}
	}
	return c.sendBatch(ctx, "application/x-ndjson", plain.Bytes(), b.Compress)
}

func (c *Client) sendBatch(ctx context.Context, contentType string, plain []byte, how Compression) (accepted BatchAccepted, err error) {
	body, err := compress(plain, how)
	if err != nil {
		return BatchAccepted{}, err
	}
	header := http.Header{"Content-Type": {contentType}}
	if how != None {
		header.Set("Content-Encoding", string(how))
	}
	answer, err := c.send(ctx, http.MethodPost, "/v1/heartbeats", nil, header, bytes.NewReader(body))
	if err != nil {
		return BatchAccepted{}, err
	}
	return accepted, decode(answer, &accepted)
}

func compress(plain []byte, how Compression) ([]byte, error) {
	if how == None {
		return plain, nil
	}
	var packed bytes.Buffer
	var w io.WriteCloser
	switch how {
	case Gzip:
		w = gzip.NewWriter(&packed)
	case Zstd:
		encoder, err := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("compressing: %w", err)
		}
		w = encoder
	default:
		return nil, fmt.Errorf("compression %q is none of gzip, zstd", how)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return packed.Bytes(), nil
}
