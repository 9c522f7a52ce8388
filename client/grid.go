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
	answer, err := c.send(ctx, http.MethodGet, "/v1/grid", nil, http.Header{}, nil) // the transport undoes gzip
	if err != nil {
		return Grid{}, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return Grid{}, fmt.Errorf("reading the grid: %w", err)
	}
	if len(data) < gridHeader || len(data)-gridHeader != int(binary.LittleEndian.Uint32(data[16:])) {
		return Grid{}, fmt.Errorf("reading the grid: its %d bytes are not what its header says", len(data))
	}
	return Grid{
		Epoch: binary.LittleEndian.Uint64(data), Position: binary.LittleEndian.Uint64(data[8:]), Cells: data[gridHeader:],
	}, nil
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
