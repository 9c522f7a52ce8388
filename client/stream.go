package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// LiveEvent is one event of the live stream: one of its pointers is set.
type LiveEvent struct {
	ID          string // give the last one to Live to go on from there; empty for events that say nothing of their own
	Hello       *Hello
	Transitions *LiveTransitions
	Summary     *Summary
	Observer    *Observer
	Grid        *GridUpdate
	Resync      *Resync
}

// LiveOptions say what a live stream carries.
type LiveOptions struct {
	LastEventID string // go on after this event; empty starts now
	Grid        bool   // carry grid updates too
}

// The live stream's reconnects: the wait doubles from the first to the last, with jitter, unless the server names one.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// maxLiveLine bounds one line of the live stream, in bytes.
const maxLiveLine = 16 << 20

// Live is the live stream. When the connection breaks it yields the error, connects again and goes on after the last
// event. It ends when ctx does, when the loop is left, or after a *Problem that trying again cannot cure (4xx).
func (c *Client) Live(ctx context.Context, options LiveOptions) iter.Seq2[LiveEvent, error] {
	return func(yield func(LiveEvent, error) bool) {
		stream := liveStream{client: c, options: options, first: firstRetry, retry: firstRetry}
		for ctx.Err() == nil {
			more, err := stream.connect(ctx, yield)
			if !more || ctx.Err() != nil {
				return
			}
			if !yield(LiveEvent{}, err) || isFinal(err) || !stream.pause(ctx) {
				return
			}
		}
	}
}

func isFinal(err error) bool {
	var problem *Problem
	return errors.As(err, &problem) && problem.Status < 500 && problem.Status != http.StatusTooManyRequests
}

type liveStream struct {
	client  *Client
	options LiveOptions
	first   time.Duration // wait after a stream that worked
	retry   time.Duration // wait before the next attempt
}

// pause waits before the next attempt; false when ctx ended.
func (s *liveStream) pause(ctx context.Context) bool {
	wait := s.retry/2 + rand.N(s.retry/2+1)
	s.retry = min(2*s.retry, lastRetry)
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// connect opens the stream and yields its events until it breaks, with the reason, or until yield wants no more.
func (s *liveStream) connect(ctx context.Context, yield func(LiveEvent, error) bool) (more bool, err error) {
	query := url.Values{}
	if s.options.Grid {
		query.Set("grid", "1")
	}
	header := http.Header{"Accept": {"text/event-stream"}}
	if s.options.LastEventID != "" {
		header.Set("Last-Event-ID", s.options.LastEventID)
	}
	answer, err := s.client.send(ctx, http.MethodGet, "/v1/live", query, header, nil)
	if err != nil {
		return true, err
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(make([]byte, 0, 64<<10), maxLiveLine)
	for {
		event, err := s.next(lines)
		if err != nil {
			return true, fmt.Errorf("reading the live stream: %w", err)
		}
		if !yield(event, nil) {
			return false, nil
		}
	}
}

// next reads one event of a kind that it knows.
func (s *liveStream) next(lines *bufio.Scanner) (LiveEvent, error) {
	var id, name string
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			event, known, err := decodeLive(name, data)
			if err != nil {
				return LiveEvent{}, err
			}
			if id != "" {
				s.options.LastEventID = id
			}
			if known {
				event.ID = id
				s.retry = s.first
				return event, nil
			}
			id, name, data = "", "", nil
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "id":
			id = string(value)
		case "event":
			name = string(value)
		case "data":
			data = append(data, value...)
		case "retry":
			if ms, err := strconv.Atoi(string(value)); err == nil && ms > 0 {
				s.first = min(time.Duration(ms)*time.Millisecond, lastRetry)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return LiveEvent{}, err
	}
	return LiveEvent{}, io.ErrUnexpectedEOF
}

func decodeLive(name string, data []byte) (event LiveEvent, known bool, err error) {
	var target any
	switch name {
	case "hello":
		event.Hello = &Hello{}
		target = event.Hello
	case "transitions":
		event.Transitions = &LiveTransitions{}
		target = event.Transitions
	case "summary":
		event.Summary = &Summary{}
		target = event.Summary
	case "observer":
		event.Observer = &Observer{}
		target = event.Observer
	case "grid":
		event.Grid = &GridUpdate{}
		target = event.Grid
	case "resync":
		event.Resync = &Resync{}
		target = event.Resync
	default:
		return LiveEvent{}, false, nil // a kind of a newer server
	}
	if err := json.Unmarshal(data, target); err != nil {
		return LiveEvent{}, false, fmt.Errorf("event %s: %w", name, err)
	}
	return event, true, nil
}
