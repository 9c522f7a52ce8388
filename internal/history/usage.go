package history

import "github.com/fleetbeat/fleetbeat/internal/event"

// Usage is what the files of one kind, by how long a time each is about, take on the disk.
type Usage struct {
	Of             string // heartbeats, transitions, facts or states
	Day            bool   // of days, or of hours and pieces of them
	Files          int
	Bytes          int64
	From, To       event.Time     // received-at of what they hold; of states, the oldest and the newest
	Oldest, Newest event.Position // of the batches that have something in them
}

// usageOf says what a file counts as. Files that are of no use without each other count together.
func usageOf(f *file) Usage {
	u := Usage{
		Of: "facts", Day: f.To-f.From >= day, Files: 1, Bytes: f.Bytes, From: f.From, To: f.To, Oldest: f.First, Newest: f.Last,
	}
	switch f.Kind {
	case heartbeatFiles, batchFiles:
		u.Of = "heartbeats"
	case transitionFiles, timelineFiles, gapFiles:
		u.Of = "transitions"
	case stateFiles:
		u.Of, u.Oldest, u.Newest = "states", f.Last, f.Last
	}
	return u
}

// Usage lists what there is of each; what there is none of is there too, with no files.
func (h *History) Usage() []Usage {
	h.mu.RLock()
	m := h.manifest
	h.mu.RUnlock()
	all := []Usage{{Of: "heartbeats"}, {Of: "heartbeats", Day: true}, {Of: "transitions"}, {Of: "transitions", Day: true}, {Of: "facts"}, {Of: "facts", Day: true}, {Of: "states"}}
	for i := range m.Files {
		of := usageOf(&m.Files[i])
		for j := range all {
			if all[j].Of == of.Of && all[j].Day == of.Day {
				all[j].add(&of)
			}
		}
	}
	return all
}

func (u *Usage) add(other *Usage) {
	if u.Files == 0 {
		*u = *other
		return
	}
	u.Files += other.Files
	u.Bytes += other.Bytes
	u.From, u.To = min(u.From, other.From), max(u.To, other.To)
	u.Oldest, u.Newest = min(u.Oldest, other.Oldest), max(u.Newest, other.Newest)
}
