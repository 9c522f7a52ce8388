package fleet

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"sync"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Grid is the whole fleet in one byte per vehicle: its presence. The vehicles stand in the order of their customers'
// names, then of their VINs. The order has an epoch: two grids of one epoch have the same vehicles in the same places, also
// when they are of different nodes.
type Grid struct {
	Epoch     uint64 // below 2^53, so that a float64 holds it exactly
	Position  event.Position
	Presences []byte
}

// gridHeader is how many bytes stand before the presences: epoch u64, position u64, count u32, all little-endian.
const gridHeader = 20

// WriteTo writes the grid as it goes over the wire.
func (g Grid) WriteTo(w io.Writer) (int64, error) {
	return writeCells(w, g.Epoch, g.Position, len(g.Presences), g.Presences)
}

func writeCells(w io.Writer, epoch uint64, position event.Position, cells int, data []byte) (int64, error) {
	header := make([]byte, 0, gridHeader)
	header = binary.LittleEndian.AppendUint64(header, epoch)
	header = binary.LittleEndian.AppendUint64(header, uint64(position))
	header = binary.LittleEndian.AppendUint32(header, uint32(cells))
	n, err := w.Write(header)
	if err == nil {
		var m int
		m, err = w.Write(data)
		n += m
	}
	if err != nil {
		err = fmt.Errorf("writing grid: %w", err)
	}
	return int64(n), err
}

// GridGroup is a customer's part of the grid.
type GridGroup struct {
	Customer Customer
	Start    int // place of its first vehicle
	Vehicles int
}

// order is the order of a grid. It does not change once it is made.
type order struct {
	layout   uint64 // of the view that it was made of
	epoch    uint64
	vehicles []event.VehicleID
	places   []uint32 // by vehicle; meaningful for those in vehicles only
	groups   []group
}

type group struct {
	customer event.CustomerID
	start    int
}

// grids keeps the newest order, for as long as it is the view's.
type grids struct {
	mu     sync.Mutex
	newest *order
}

// order is the order of the grid now. It is made when first asked for: 8 bytes per vehicle and some 20 ms for a million
// of them. The caller holds both locks.
func (v *View) order() *order {
	v.grids.mu.Lock()
	defer v.grids.mu.Unlock()
	if v.grids.newest == nil || v.grids.newest.layout != v.layout {
		v.grids.newest = v.newOrder()
	}
	return v.grids.newest
}

func (v *View) newOrder() *order {
	total := 0
	for _, n := range v.counts {
		total += n
	}
	o := &order{layout: v.layout, vehicles: make([]event.VehicleID, 0, total), places: make([]uint32, len(v.where))}
	sum, data := fnv.New64a(), []byte(nil)
	for _, c := range v.dir.byName {
		start := len(o.vehicles)
		for _, id := range v.dir.customers[c].vehicles {
			if v.where[id] != unlisted {
				o.places[id] = uint32(len(o.vehicles))
				o.vehicles = append(o.vehicles, id)
			}
		}
		if len(o.vehicles) == start {
			continue
		}
		o.groups = append(o.groups, group{c, start})
		data = fmt.Appendf(data[:0], "%q %q %d ", v.dir.customers[c].ID, v.dir.customers[c].Name, len(o.vehicles)-start)
		for _, id := range o.vehicles[start:] {
			data = binary.LittleEndian.AppendUint32(data, uint32(id))
		}
		_, _ = sum.Write(data) // a hash takes everything
	}
	o.epoch = sum.Sum64() >> 11 // a float64 holds 53 bits exactly
	return o
}

// Grid is the whole fleet now.
func (v *View) Grid() Grid {
	defer v.read()()
	o := v.order()
	g := Grid{Epoch: o.epoch, Position: v.checkpoint, Presences: make([]byte, len(o.vehicles))}
	for i, id := range o.vehicles {
		g.Presences[i] = byte(v.where[id].presence())
	}
	return g
}

// GridGroups lists the customers in the grid, in its order, and its epoch.
func (v *View) GridGroups() (epoch uint64, groups []GridGroup) {
	defer v.read()()
	o := v.order()
	groups = make([]GridGroup, len(o.groups))
	end := len(o.vehicles)
	for i := len(groups) - 1; i >= 0; i-- {
		g := o.groups[i]
		groups[i] = GridGroup{v.dir.customers[g.customer].Customer, g.start, end - g.start}
		end = g.start
	}
	return o.epoch, groups
}

// GridMatches says which cells of a grid a query finds, whatever their presence.
type GridMatches struct {
	Epoch    uint64
	Position event.Position
	Cells    int    // in the grid
	Bits     []byte // bit i%8 of byte i/8 is set when cell i matches
}

// WriteTo writes the matches as they go over the wire: the header of a grid, and then the bits.
func (m GridMatches) WriteTo(w io.Writer) (int64, error) {
	return writeCells(w, m.Epoch, m.Position, m.Cells, m.Bits)
}

// GridMatches finds the vehicles of a query in the grid. Its presences, order and page are left aside. The error is
// ErrInvalidQuery.
func (v *View) GridMatches(q Query) (GridMatches, error) {
	s, err := q.search()
	if err != nil {
		return GridMatches{}, err
	}
	defer v.read()()
	v.look(s, &q)
	chosen, o := s.inDirectory(len(v.tallies.Watched)), v.order()
	m := GridMatches{Epoch: o.epoch, Position: v.checkpoint, Cells: len(o.vehicles), Bits: make([]byte, (len(o.vehicles)+7)/8)}
	for i, id := range o.vehicles {
		if chosen.Has(uint32(id)) {
			m.Bits[i/8] |= 1 << (i % 8)
		}
	}
	return m, nil
}

// GridRows are the vehicles at up to MaxLimit places of the grid, from one on, and its epoch. Errors are those of a Past.
func (v *View) GridRows(from, count int) (epoch uint64, rows []Row, err error) {
	epoch, rows = v.gridRows(from, count)
	return epoch, rows, v.hear(rows)
}

func (v *View) gridRows(from, count int) (epoch uint64, rows []Row) {
	defer v.read()()
	o := v.order()
	from = min(max(from, 0), len(o.vehicles))
	to := min(from+min(max(count, 0), MaxLimit), len(o.vehicles))
	for _, id := range o.vehicles[from:to] {
		rows = append(rows, v.row(id))
	}
	return o.epoch, rows
}
