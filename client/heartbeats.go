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
	"google.golang.org/protobuf/encoding/protowire"
)

// Batch is many heartbeats for one call: at most 10,000, and 4 MiB before compression.
type Batch struct {
	Items    []NewHeartbeat // each with its Vehicle
	Format   Format         // how the heartbeats are written; default NDJSON
	Compress Compression    // how the body travels; default None
}

// Format is the content type of a batch.
type Format string

// The formats of a batch. Protobuf costs the server least.
const (
	NDJSON   Format = "application/x-ndjson"
	Protobuf Format = "application/x-protobuf"
)

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

// Heartbeats sends a batch. When it returns nil, all that the answer does not list as rejected are durable.
func (c *Client) Heartbeats(ctx context.Context, b Batch) (accepted BatchAccepted, err error) {
	if b.Format == "" {
		b.Format = NDJSON
	}
	plain, err := b.encode()
	if err != nil {
		return BatchAccepted{}, err
	}
	body, err := compress(plain, b.Compress)
	if err != nil {
		return BatchAccepted{}, err
	}
	header := http.Header{"Content-Type": {string(b.Format)}}
	if b.Compress != None {
		header.Set("Content-Encoding", string(b.Compress))
	}
	answer, err := c.send(ctx, http.MethodPost, "/v1/heartbeats", nil, header, bytes.NewReader(body))
	if err != nil {
		return BatchAccepted{}, err
	}
	return accepted, decode(answer, &accepted)
}

func (b *Batch) encode() ([]byte, error) {
	switch b.Format {
	case NDJSON:
		var lines bytes.Buffer
		encoder := json.NewEncoder(&lines)
		for i := range b.Items {
			if err := encoder.Encode(&b.Items[i]); err != nil {
				return nil, fmt.Errorf("writing heartbeat %d: %w", i, err)
			}
		}
		return lines.Bytes(), nil
	case Protobuf:
		var message []byte
		var scratch []byte
		for i := range b.Items {
			scratch = b.Items[i].appendProtobuf(scratch[:0])
			message = protowire.AppendTag(message, 1, protowire.BytesType)
			message = protowire.AppendBytes(message, scratch)
		}
		return message, nil
	}
	return nil, fmt.Errorf("format %q is none of %s, %s", b.Format, NDJSON, Protobuf)
}

// appendProtobuf writes the fields of message Heartbeat in heartbeats.proto, which lies beside the server's door.
func (h *NewHeartbeat) appendProtobuf(b []byte) []byte {
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	b = protowire.AppendString(b, h.Vehicle)
	if !h.SentAt.IsZero() {
		b = protowire.AppendTag(b, 2, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(h.SentAt.UnixMilli()))
	}
	if h.Sequence != nil {
		b = protowire.AppendTag(b, 3, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(*h.Sequence))
	}
	if h.Buffered {
		b = protowire.AppendTag(b, 4, protowire.VarintType)
		b = protowire.AppendVarint(b, 1)
	}
	return b
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
