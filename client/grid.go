package client

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Grid is the whole fleet in one byte per vehicle. Two grids of one epoch have the same vehicles in the same cells.
type Grid struct {
	Epoch    uint64
	Position uint64 // the log position that it shows; it takes the updates with a later one
	Cells    []byte // 0 to 4, in the order Unknown, Online, Late, Offline, Paused
}

// gridHeader is epoch u64, position u64 and count u32, little-endian, before one byte per vehicle.
const gridHeader = 20

// Grid is the whole fleet now. To follow it, open the live stream first.
func (c *Client) Grid(ctx context.Context) (Grid, error) {
	data, err := c.cells(ctx, "/v1/grid", nil)
	if err != nil {
		return Grid{}, err
	}
	if len(data)-gridHeader != int(binary.LittleEndian.Uint32(data[16:])) {
		return Grid{}, fmt.Errorf("reading the grid: its %d bytes are not what its header says", len(data))
	}
	return Grid{
		Epoch: binary.LittleEndian.Uint64(data), Position: binary.LittleEndian.Uint64(data[8:]), Cells: data[gridHeader:],
	}, nil
}

// GridMatches says which cells of a grid a query finds, whatever their presence.
type GridMatches struct {
	Epoch    uint64
	Position uint64
	Cells    int // in the grid
	bits     []byte
}

// Has says whether a cell matches.
func (m *GridMatches) Has(cell int) bool {
	return cell >= 0 && cell < m.Cells && m.bits[cell/8]>>(cell%8)&1 == 1
}

// GridMatches finds a query's vehicles in the grid. Its text, customers and tags count.
func (c *Client) GridMatches(ctx context.Context, q VehicleQuery) (GridMatches, error) {
	v := url.Values{"customer": q.Customers, "tag": q.Tags}
	set(v, "q", q.Text)
	data, err := c.cells(ctx, "/v1/grid/matches", v)
	if err != nil {
		return GridMatches{}, err
	}
	m := GridMatches{
		Epoch: binary.LittleEndian.Uint64(data), Position: binary.LittleEndian.Uint64(data[8:]),
		Cells: int(binary.LittleEndian.Uint32(data[16:])), bits: data[gridHeader:],
	}
	if len(m.bits) != (m.Cells+7)/8 {
		return GridMatches{}, fmt.Errorf("reading what matches in the grid: its %d bytes are not what its header says", len(data))
	}
	return m, nil
}

// cells reads what comes with the header of a grid.
func (c *Client) cells(ctx context.Context, path string, query url.Values) ([]byte, error) {
	answer, err := c.send(ctx, http.MethodGet, path, query, http.Header{}, nil) // the transport undoes gzip
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(data) < gridHeader {
		return nil, fmt.Errorf("reading %s: %d bytes are less than a header", path, len(data))
	}
	return data, nil
}

// Apply changes the cells as an update says; false when the update is of another epoch or would leave the grid, and
// the grid is to be fetched anew. Updates that are older than the grid change nothing.
func (g *Grid) Apply(u GridUpdate) bool {
	if u.Epoch != g.Epoch || len(u.Cells)%4 != 0 {
		return false
	}
	if u.Position <= g.Position {
		return true
	}
	for cells := u.Cells; len(cells) > 0; cells = cells[4:] {
		cell := binary.LittleEndian.Uint32(cells)
		if int(cell>>4) >= len(g.Cells) {
			return false
		}
		g.Cells[cell>>4] = byte(cell & 15)
	}
	g.Position = u.Position
	return true
}

// GridGroups says which parts of the grid belong to which customers.
func (c *Client) GridGroups(ctx context.Context) (groups GridGroups, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/grid/groups", nil, nil, &groups)
	return groups, err
}

// GridVehicles are the vehicles in up to 1,000 cells of the grid, from one on.
func (c *Client) GridVehicles(ctx context.Context, from, limit int) (vehicles GridVehicles, err error) {
	v := url.Values{"from": {strconv.Itoa(from)}}
	setNumber(v, "limit", uint64(limit))
	err = c.call(ctx, http.MethodGet, "/v1/grid/vehicles", v, nil, &vehicles)
	return vehicles, err
}
