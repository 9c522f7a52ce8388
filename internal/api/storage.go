package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/eventlog"
)

// Storage is what the server keeps on its disk.
type Storage struct {
	Parts       []StoredPart
	KeepLog     time.Duration     // how old the log gets; 0: it keeps everything
	KeepHistory time.Duration     // likewise of the history
	Free, Total uint64            // bytes of the file system
	Verified    eventlog.Verified // of the log
	Damages     int               // that were found in the log since the start
}

// StoredPart is one part of it.
type StoredPart struct {
	Part, Length   string // Length is how long a time each file is about: hour or day; "" when it is about none
	Files          int
	Bytes          int64
	Oldest, Newest StoredAt // zero when it is not known, or there is nothing
}

// StoredAt is a place in the log.
type StoredAt struct {
	At       event.Time
	Position event.Position
}

func (s *server) describeStorage() {
	typed(s, huma.Operation{
		OperationID: "storage", Method: http.MethodGet, Path: "/v1/storage", Tags: []string{"machines"},
		Summary:     "What the server keeps on its disk",
		Description: "Files and bytes of each part, how far each reaches, and the room that is left, as of some seconds ago at most.",
	}, func(ctx context.Context, _ *struct{}) (*body[client.Storage], error) {
		found, err := s.cfg.Storage(ctx)
		if err != nil {
			return nil, err
		}
		out := client.Storage{
			Parts: make([]client.StoredPart, len(found.Parts)), KeepLog: keptFor(found.KeepLog), KeepHistory: keptFor(found.KeepHistory),
			DiskFree: found.Free, DiskTotal: found.Total,
			Verified: client.Verified{At: client.At(found.Verified.At), Position: uint64(found.Verified.Position), Damages: found.Damages},
		}
		for i := range found.Parts {
			p := &found.Parts[i]
			out.Parts[i] = client.StoredPart{
				Part: p.Part, Files: p.Files, Bytes: p.Bytes, Oldest: timeOf(p.Oldest.At), Newest: timeOf(p.Newest.At),
				OldestPosition: uint64(p.Oldest.Position), NewestPosition: uint64(p.Newest.Position), Length: p.Length,
			}
		}
		return &body[client.Storage]{out}, nil
	})
}

// keptFor is how long something is kept, as the API says it: null for ever.
func keptFor(d time.Duration) *client.Seconds {
	if d == 0 {
		return nil
	}
	seconds := client.SecondsOf(d)
	return &seconds
}
