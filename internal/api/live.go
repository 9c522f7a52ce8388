package api

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

// The live stream's pace with one reader.
const (
	liveRetry     = 2 * time.Second  // that a browser waits before it connects again
	liveKeepAlive = 15 * time.Second // between two signs of life, so that proxies leave a quiet stream open
)

func (s *server) describeLive() {
	flag := &huma.Schema{Type: huma.TypeBoolean}
	text := &huma.Schema{Type: huma.TypeString}
	s.stream(huma.Operation{
		OperationID: "live", Method: http.MethodGet, Path: "/v1/live", Tags: []string{"fleet"},
		Summary: "What changes, as it happens",
		Description: "Server-sent events, each with JSON as data. First comes hello. Then come transitions with every change of " +
			"presence, summary when the counts changed, observer about once a second otherwise, grid with changed cells when asked for, " +
			"and resync when what is shown is to be fetched anew. With the last id, as Last-Event-ID or last_event_id, a stream goes on " +
			"where another ended, if that is not too long ago; hello says whether it does. To show a page or the grid " +
			"and keep it true, open the stream first, then fetch, and apply what has a later position.",
		Parameters: []*huma.Param{
			parameter("query", "grid", "Send changed cells of the grid too", flag),
			parameter("query", "last_event_id", "The last event that the reader has, for readers that cannot set the header", text),
			parameter("header", "Last-Event-ID", "The last event that the reader has", text),
		},
		Responses: answers("The stream", "text/event-stream", s.liveSchema()),
		Errors:    []int{http.StatusUnprocessableEntity},
	}, s.live)
}

// liveSchema describes the events: each by its name and its data.
func (s *server) liveSchema() *huma.Schema {
	var events []*huma.Schema
	for _, e := range []struct {
		name string
		data reflect.Type
	}{
		{"hello", reflect.TypeFor[client.Hello]()},
		{"transitions", reflect.TypeFor[client.LiveTransitions]()},
		{"summary", reflect.TypeFor[client.Summary]()},
		{"observer", reflect.TypeFor[client.Observer]()},
		{"grid", reflect.TypeFor[client.GridUpdate]()},
		{"resync", reflect.TypeFor[client.Resync]()},
	} {
		events = append(events, &huma.Schema{Type: huma.TypeObject, Title: e.name, Required: []string{"event", "data"}, Properties: map[string]*huma.Schema{
			"event": {Type: huma.TypeString, Enum: []any{e.name}},
			"id":    {Type: huma.TypeString, Description: "On the last event of those that belong together"},
			"data":  s.shape(e.data),
		}})
	}
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{OneOf: events}}
}

func (s *server) live(w http.ResponseWriter, r *http.Request) {
	var withGrid bool
	err := readFlag(r, "grid", &withGrid)
	if err != nil {
		writeModel(w, problemOf(err, "query", s.logger))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for nginx
	if r.Method == http.MethodHead {
		return
	}
	subscription, err := s.cfg.View.Subscribe(lastEvent(r))
	if err != nil {
		writeModel(w, problemOf(err, "query", s.logger))
		return
	}
	defer subscription.Close()
	stream := liveStream{
		w: w, control: outlive(w), stall: s.cfg.LiveStall,
		subscription: subscription, frames: &s.frames, withGrid: withGrid,
	}
	if err := stream.run(r.Context()); errors.Is(err, os.ErrDeadlineExceeded) {
		s.metrics.stalled.Inc()
		s.logger.Info("a live stream was cut, because its reader stalled", "reader", r.RemoteAddr)
	}
}

// lastEvent is the id after which a stream is to go on; empty for one that begins now. The header wins: a browser that
// connects again sends it, with the address that it had first.
func lastEvent(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("last_event_id")
}

// liveStream is one stream to one reader.
type liveStream struct {
	w            http.ResponseWriter
	control      *http.ResponseController
	stall        time.Duration
	subscription *fleet.Subscription
	frames       *liveFrames
	withGrid     bool
}

// run writes frames until the reader or the server is gone, or the reader stalls.
func (l *liveStream) run(ctx context.Context) error {
	if err := l.greet(ctx); err != nil {
		return err
	}
	for {
		frame, err := l.next(ctx)
		if err != nil {
			return err
		}
		if err := l.write(l.frames.encoded(frame, l.withGrid)); err != nil {
			return err
		}
	}
}

// greet says hello, with what is there at once. A stream that cannot go on where it was to begins with a resync, which
// hello says for it.
func (l *liveStream) greet(ctx context.Context) error {
	out := fmt.Appendf(nil, "retry: %d\n\n", liveRetry.Milliseconds())
	ended, cancel := context.WithCancel(ctx)
	cancel() // do not wait
	frame, err := l.subscription.Next(ended)
	switch {
	case err == nil && frame.Resync:
		out = appendEvent(out, "hello", client.Hello{Position: uint64(frame.To), Epoch: frame.Epoch})
		out = appendID(appendEvent(out, "summary", summaryOf(frame.Summary)), frame.ID())
	case err == nil:
		out = appendEvent(out, "hello", client.Hello{Resumed: true})
		out = append(out, l.frames.encoded(frame, l.withGrid)...)
	case errors.Is(err, context.Canceled) && ctx.Err() == nil: // nothing has happened since
		out = appendEvent(out, "hello", client.Hello{Resumed: true})
	default:
		return err
	}
	return l.write(out)
}

// next waits for the next frame, and lets the reader know meanwhile that the stream is alive.
func (l *liveStream) next(ctx context.Context) (*fleet.Frame, error) {
	for {
		quiet, cancel := context.WithTimeout(ctx, liveKeepAlive)
		frame, err := l.subscription.Next(quiet)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return frame, err
		}
		if err := l.write([]byte(": still here\n\n")); err != nil {
			return nil, err
		}
	}
}

func (l *liveStream) write(data []byte) error {
	_ = l.control.SetWriteDeadline(time.Now().Add(l.stall))
	if _, err := l.w.Write(data); err != nil {
		return err
	}
	return l.control.Flush()
}

// liveFrames keeps the newest frame as it goes over the wire, because most readers are there and all get the same.
type liveFrames struct {
	mu    sync.Mutex // guards the following
	frame *fleet.Frame
	texts [2][]byte // without and with the grid
}

// encoded is a frame as it goes over the wire. The caller must not change it.
func (l *liveFrames) encoded(f *fleet.Frame, withGrid bool) []byte {
	kind := 0
	if withGrid {
		kind = 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frame != f {
		if l.frame != nil && f.To < l.frame.To {
			return encodeFrame(f, withGrid) // of a reader that is behind
		}
		l.frame, l.texts = f, [2][]byte{}
	}
	if l.texts[kind] == nil {
		l.texts[kind] = encodeFrame(f, withGrid)
	}
	return l.texts[kind]
}

// encodeFrame writes a frame as events. Only the last one has the id: a reader that goes on after it has seen them all.
func encodeFrame(f *fleet.Frame, withGrid bool) (out []byte) {
	position := uint64(f.To)
	if f.Resync {
		out = appendEvent(out, "resync", client.Resync{Position: position, Epoch: f.Epoch, Reason: "missed"})
	}
	if len(f.Transitions) > 0 {
		out = appendEvent(out, "transitions", client.LiveTransitions{Position: position, Items: transitionsOf(f.Transitions)})
	}
	if f.Regrid {
		out = appendEvent(out, "resync", client.Resync{Position: position, Epoch: f.Epoch, Reason: "directory"})
	}
	if withGrid && len(f.Changes) > 0 {
		out = appendEvent(out, "grid", client.GridUpdate{Position: position, Epoch: f.Epoch, Cells: cellsOf(f.Changes)})
	}
	if len(out) > 0 {
		out = appendEvent(out, "summary", summaryOf(f.Summary))
	} else {
		out = appendEvent(out, "observer", observerOf(f.Summary))
	}
	return appendID(out, f.ID())
}

func cellsOf(changes []uint32) []byte {
	cells := make([]byte, 0, 4*len(changes))
	for _, c := range changes {
		cells = binary.LittleEndian.AppendUint32(cells, c)
	}
	return cells
}

// appendEvent writes an event. The shapes always encode, and JSON has no line breaks of its own.
func appendEvent(out []byte, name string, data any) []byte {
	text, err := json.Marshal(data)
	if err != nil {
		panic(fmt.Sprintf("encoding event %s: %v", name, err))
	}
	out = slices.Grow(out, len(text)+len(name)+16)
	out = append(append(out, "event: "...), name...)
	out = append(append(out, "\ndata: "...), text...)
	return append(out, "\n\n"...)
}

// appendID puts an id to the last event.
func appendID(out []byte, id string) []byte {
	out = append(append(out[:len(out)-1], "id: "...), id...)
	return append(out, "\n\n"...)
}
