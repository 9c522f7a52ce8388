package client

import (
	"context"
	"net/http"
)

// Storage is what a server keeps on its disk.
type Storage struct {
	Parts       []StoredPart `json:"parts" nullable:"false"`
	KeepLog     *Seconds     `json:"keep_log" doc:"How old the log gets; null when it keeps everything"`
	KeepHistory *Seconds     `json:"keep_history" doc:"How old the history gets; null when it keeps everything"`
	DiskFree    uint64       `json:"disk_free" doc:"Bytes that may still be written on the file system"`
	DiskTotal   uint64       `json:"disk_total" doc:"Bytes of the file system"`
	Verified    Verified     `json:"verified" doc:"The newest verification of the whole log: every start makes one"`
}

// StoredPart is one part of what is kept.
type StoredPart struct {
	Part           string `json:"part" enum:"log,heartbeats,transitions,facts,states,snapshots,registry,proof,damaged" doc:"heartbeats, transitions, facts and states are the history; damaged is what was set aside"`
	Length         string `json:"length" enum:"hour,day," doc:"How long a time each file is about, at most; empty when it is about none"`
	Files          int    `json:"files"`
	Bytes          int64  `json:"bytes"`
	Oldest         Time   `json:"oldest" doc:"Moment from which it has something; null when it has nothing, or has no time"`
	Newest         Time   `json:"newest" doc:"Moment up to which it has something; likewise"`
	OldestPosition uint64 `json:"oldest_position" doc:"Log position from which it has something; 0 when it has nothing, or has none"`
	NewestPosition uint64 `json:"newest_position" doc:"Log position up to which it has something; likewise"`
}

// Verified says when every block of the log was read and checked.
type Verified struct {
	At       Time   `json:"at" nullable:"false"`
	Position uint64 `json:"position" doc:"Up to this position; what came later was not read as a whole since"`
	Damages  int    `json:"damages" doc:"Damaged places that were found since the start, and repaired as far as they could be; at most 1,000 are counted"`
}

// Storage is what the server keeps on its disk.
func (c *Client) Storage(ctx context.Context) (storage Storage, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/storage", nil, nil, &storage)
	return storage, err
}
