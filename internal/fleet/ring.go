package fleet

// ring keeps the newest of a series, up to a limit. Each has a number: the first of all 1, the next 2.
type ring[T any] struct {
	items []T // number n is at (n-1-base) % limit
	limit int
	base  uint64 // number of the last that was gone already when the ring was made
	last  uint64 // number of the newest; 0 when there was none
}

func newRing[T any](limit int) ring[T] { return ring[T]{limit: limit} }

func (r *ring[T]) add(item T) {
	if len(r.items) < r.limit {
		r.items = append(r.items, item)
	} else {
		r.items[(r.last-r.base)%uint64(r.limit)] = item
	}
	r.last++
}

// first is the number of the oldest that is kept; it is past last when there is none.
func (r *ring[T]) first() uint64 { return r.last - uint64(len(r.items)) + 1 }

// at is the item of a number from first to last.
func (r *ring[T]) at(number uint64) *T { return &r.items[(number-1-r.base)%uint64(r.limit)] }
