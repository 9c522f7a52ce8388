package fleet

import (
	"context"
	"slices"
	"sync"
	"time"
)

// hub holds the newest frames. Subscribers read them at their own pace and nobody waits for them: who is so slow that
// frames are gone before it has read them begins anew.
type hub struct {
	limit int // of subscribers

	mu          sync.Mutex // guards the following; taken after the locks of the view
	closed      bool       // Run has ended
	subscribers int
	idle        bool      // nobody has listened for long: no frames are made
	left        time.Time // when the last subscriber was there
	latest      time.Time // when the last frame was made
	at          mark      // up to where frames were made
	back        mark      // from where the frames tell everything
	frames      []*Frame
	first       uint64        // number of frames[0]
	items       int           // transitions in frames
	published   chan struct{} // closed and replaced with each frame
	resyncs     uint64        // subscribers that were too slow
}

func (h *hub) init(limit int) { h.limit, h.idle, h.published = limit, true, make(chan struct{}) }

// wanted says whether frames are to be made.
func (h *hub) wanted(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subscribers > 0 {
		h.left = now
	} else if !h.idle && now.Sub(h.left) > keepFrames {
		h.idle, h.frames, h.items, h.first = true, nil, 0, h.end()
	}
	return !h.idle
}

// end is the number of the next frame.
func (h *hub) end() uint64 { return h.first + uint64(len(h.frames)) }

// due says from where a frame up to a mark would tell, and whether it is time for it.
func (h *hub) due(to mark, now time.Time) (from mark, due bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	quiet := to.transitions == h.at.transitions && to.gaps == h.at.gaps && to.layout == h.at.layout
	return h.at, !quiet || now.Sub(h.latest) >= proofEvery
}

// add takes in a frame. Old ones go: when there are too many, or when nobody may go on from them.
func (h *hub) add(f *Frame, at mark, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at, h.latest = at, now
	h.frames = append(h.frames, f)
	h.items += len(f.Transitions)
	for len(h.frames) > 1 && (f.Resync || h.items > maxFrameItems || len(h.frames) > int(keepFrames/frameEvery)) {
		h.items -= len(h.frames[0].Transitions)
		h.back.position, h.back.layout = h.frames[0].To, h.frames[0].layout
		h.frames[0] = nil
		h.frames = h.frames[1:]
		h.first++
	}
	if f.Resync {
		h.back = at
	}
	close(h.published)
	h.published = make(chan struct{})
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.published)
	}
}

// Subscription is one reader of the live stream.
type Subscription struct {
	view *View
	done chan struct{}

	// Guarded by hub.mu.
	closed bool
	next   uint64 // number of the frame to read next
	first  *Frame // to read before it
}

// Subscribe begins to read the live stream. With the ID of the last frame that the reader had, it goes on from there if
// that is not too long ago. Otherwise, or with "", the first frame has Resync. The error is ErrTooManySubscribers or
// ErrClosed.
func (v *View) Subscribe(lastID string) (*Subscription, error) {
	after, layout := parseFrameID(lastID)
	defer v.read()() // nothing can change between what the first frame says and those that follow
	h := &v.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, ErrClosed
	case h.subscribers >= h.limit:
		return nil, ErrTooManySubscribers
	}
	h.subscribers++
	if h.idle {
		h.idle, h.at = false, v.mark()
		h.back = h.at
	}
	s := &Subscription{view: v, done: make(chan struct{}), next: h.end()}
	if after < h.back.position || layout < h.back.layout || after > v.checkpoint || layout > v.layout {
		s.first = v.beginning()
		return s, nil
	}
	if n := slices.IndexFunc(h.frames, func(f *Frame) bool { return f.To > after || f.layout > layout }); n >= 0 {
		s.next = h.first + uint64(n)
	}
	return s, nil
}

// Next waits for the next frame: about ten a second while there are changes, and one a second while there are none.
// A reader that was too slow gets one with Resync. The error is ErrClosed or ctx's. One goroutine at a time may call it.
func (s *Subscription) Next(ctx context.Context) (*Frame, error) {
	for {
		frame, slow, wait := s.take()
		switch {
		case frame != nil:
			return frame, nil
		case slow:
			s.beginAnew()
			continue
		case wait == nil:
			return nil, ErrClosed
		}
		select {
		case <-wait:
		case <-s.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take gives the next frame if there is one; else it says that the reader was too slow, or gives what to wait for. It
// gives nothing when there is nothing to come.
func (s *Subscription) take() (frame *Frame, slow bool, wait <-chan struct{}) {
	h := &s.view.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case s.closed || h.closed:
		return nil, false, nil
	case s.first != nil:
		frame, s.first = s.first, nil
		return frame, false, nil
	case s.next < h.first:
		return nil, true, nil
	case s.next < h.end():
		frame = h.frames[s.next-h.first]
		s.next++
		return frame, false, nil
	}
	return nil, false, h.published
}

// beginAnew lets a reader go on with what is true now.
func (s *Subscription) beginAnew() {
	defer s.view.read()()
	h := &s.view.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resyncs++
	s.first, s.next = s.view.beginning(), h.end()
}

// Close ends the subscription. It may be called at any time and more than once.
func (s *Subscription) Close() {
	h := &s.view.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.closed {
		s.closed = true
		h.subscribers--
		close(s.done)
	}
}
