package fleet

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet/bitset"
)

// The pace of the live stream.
const (
	frameEvery = 100 * time.Millisecond // between two frames while there are changes
	proofEvery = time.Second            // between two frames while there are none: the proof of listening goes on
	keepFrames = time.Minute            // how long a subscriber may be away and still resume, if little happens
)

// maxFrameItems bounds the transitions in all frames that are kept; a stretch of the log with more of them than that is
// a new beginning for everybody.
const maxFrameItems = 100_000

// Frame is what changed in a stretch of the log. It is shared by all subscribers and must not be changed.
//
// A receiver that holds pages or the grid as of some position applies the frames with a later To. What a frame says
// holds at To, so that it does no harm when a part of it is older than what the receiver holds. Changes are for a grid of
// the frame's Epoch; who holds another one asks for it anew.
type Frame struct {
	From, To    event.Position // what came with batches after From, up to and with To
	Resync      bool           // something is missing before To: ask for pages, transitions and the grid anew
	Regrid      bool           // vehicles came, went or changed places: ask for pages and the grid anew
	Epoch       uint64         // of the grid at To
	layout      uint64         // likewise
	Changes     []uint32       // place in the grid << 4 | presence, once for each vehicle that changed; nil with Resync or Regrid
	Transitions []Transition   // of listed vehicles, oldest first; nil with Resync
	Summary     Summary        // at To
}

// ID names the frame to a subscriber that wants to go on after it: its position, and the layout of the
// grid, because a change of the directory moves only that.
func (f *Frame) ID() string { return fmt.Sprintf("%d-%d", f.To, f.layout) }

// parseFrameID reads what ID wrote. Anything else is before all frames.
func parseFrameID(id string) (after event.Position, layout uint64) {
	first, second, _ := strings.Cut(id, "-")
	position, err := strconv.ParseUint(first, 10, 64)
	layout, err2 := strconv.ParseUint(second, 10, 64)
	if err != nil || err2 != nil {
		return 0, 0
	}
	return event.Position(position), layout
}

// mark is how far frames have come.
type mark struct {
	position    event.Position
	transitions uint64 // number of the newest
	gaps        uint64 // number of the newest
	layout      uint64
}

// mark is where the view stands. The caller holds both locks.
func (v *View) mark() mark {
	return mark{v.checkpoint, v.recent.last, v.gaps.last, v.layout}
}

// Run makes the frames of the live stream until ctx ends, and then ends all subscriptions. It returns nil.
func (v *View) Run(ctx context.Context) error {
	defer v.hub.close()
	ticker := time.NewTicker(frameEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			if v.hub.wanted(now) {
				v.publish(now)
			}
		}
	}
}

// publish makes the next frame, if there is something to tell.
func (v *View) publish(now time.Time) {
	defer v.read()()
	to := v.mark()
	if from, due := v.hub.due(to, now); due {
		v.hub.add(v.frame(from, to), to, now)
	}
}

// frame tells what happened from one mark to another, which is where the view stands. The caller holds both locks.
func (v *View) frame(from, to mark) *Frame {
	f := &Frame{From: from.position, To: to.position, Epoch: v.order().epoch, layout: to.layout, Summary: v.summary()}
	if to.transitions-from.transitions > maxFrameItems || from.transitions+1 < v.recent.first() {
		f.Resync = true
		return f
	}
	for n := from.transitions + 1; n <= to.transitions; n++ {
		if t := v.recent.at(n); v.where[t.Vehicle] != unlisted {
			f.Transitions = append(f.Transitions, v.transition(*t))
		}
	}
	if f.Regrid = from.layout != to.layout; !f.Regrid {
		f.Changes = v.changesIn(f.Transitions)
	}
	return f
}

// changesIn is the presence now of the vehicles in some transitions, by their places in the grid.
func (v *View) changesIn(transitions []Transition) []uint32 {
	if len(transitions) == 0 {
		return nil
	}
	o := v.order()
	changes := make([]uint32, 0, len(transitions))
	seen := bitset.New(len(v.where))
	for i := range transitions {
		if id := transitions[i].Vehicle; !seen.Has(uint32(id)) {
			seen.Add(uint32(id))
			changes = append(changes, o.places[id]<<4|uint32(v.where[id].presence()))
		}
	}
	return changes
}

// beginning is the frame with which a subscriber begins that cannot resume. The caller holds both locks.
func (v *View) beginning() *Frame {
	return &Frame{From: v.checkpoint, To: v.checkpoint, Resync: true, Epoch: v.order().epoch, layout: v.layout, Summary: v.summary()}
}
