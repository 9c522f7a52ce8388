package fleet

import "time"

// Forget drops what recent search texts found, so that a test can ask as if for the first time.
func (v *View) Forget() { v.matches.clear() }

// Tick does what Run does at a moment.
func (v *View) Tick(now time.Time) {
	if v.hub.wanted(now) {
		v.publish(now)
	}
}

// Remembered is how many bytes recent search texts take.
func (v *View) Remembered() int { return v.matches.bytes }

// TextBytes is how many bytes VINs and registration numbers take, with those that nobody has any more.
func (v *View) TextBytes() int { return len(v.dir.arena) }

// TagSets is how many sets of tags there is room for.
func (v *View) TagSets() int { return len(v.dir.tags.sets) }
