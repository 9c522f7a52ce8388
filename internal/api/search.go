package api

import (
	"bufio"
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

// The original contract has one rule of its own: a vehicle is online when its last heartbeat is younger than this.
const onlineWithin = 60 * time.Second

// maxCustomerName bounds the part of a name that is searched for, in bytes.
const maxCustomerName = 200

func (s *server) describeSearch() {
	text := &huma.Schema{Type: huma.TypeString}
	found := &huma.Schema{Type: huma.TypeArray, Items: s.shape(reflect.TypeFor[client.SearchVehicle]())}
	s.stream(huma.Operation{
		OperationID: "search", Method: http.MethodGet, Path: "/search", Tags: []string{"original"},
		Summary: "Vehicles by customer and connection",
		Description: "All that fit, by VIN; without a filter, all there are. The answer shows every heartbeat that this server " +
			"acknowledged before it was asked.",
		Parameters: []*huma.Param{
			parameter("query", "customer_name", "Part of the customer's name, in any case", text),
			parameter("query", "online", "Whether the last heartbeat is less than 60 seconds old; both when absent", &huma.Schema{
				Type: huma.TypeString, Enum: []any{"true", "false"},
			}),
		},
		Responses: answers("The vehicles", "application/json", found),
		Errors:    []int{http.StatusBadRequest},
	}, s.search)
	s.raw(huma.Operation{
		OperationID: "search-ping", Method: http.MethodGet, Path: "/search/ping", Tags: []string{"original"},
		Summary:   "Say pong",
		Responses: answers("pong", "application/json", s.shape(reflect.TypeFor[client.Message]())),
	}, func(w http.ResponseWriter, _ *http.Request) { s.answerJSON(w, client.Message{Message: "pong"}) })
}

// searchFilter is what a search of the original contract asks for.
type searchFilter struct {
	name   string // in lower case
	online *bool
}

func readSearch(r *http.Request) (f searchFilter, err error) {
	query := r.URL.Query()
	f.name = strings.ToLower(query.Get("customer_name"))
	if len(f.name) > maxCustomerName {
		return f, refuse(http.StatusBadRequest, "query.customer_name", "is longer than 200 bytes", nil)
	}
	if query.Has("online") {
		values := query["online"]
		online := values[0] == "true"
		if len(values) > 1 || !online && values[0] != "false" {
			return f, refuse(http.StatusBadRequest, "query.online", "must be true or false", values[0])
		}
		f.online = &online
	}
	return f, nil
}

func (s *server) search(w http.ResponseWriter, r *http.Request) {
	filter, err := readSearch(r)
	if err == nil {
		err = s.reached(r.Context(), s.cfg.Appended())
	}
	if err != nil {
		writeModel(w, problemOf(err, "query", s.logger))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(newDownload(w), 32<<10)
	if err := s.writeFound(r.Context(), out, filter); err != nil {
		if r.Context().Err() == nil {
			s.logger.Error("searching", "error", err)
		}
		panic(http.ErrAbortHandler) // part of the list may be out: cut it, so that nobody takes it for whole
	}
}

// writeFound writes the vehicles that the filter keeps as one JSON list, page by page: it may be the whole fleet.
func (s *server) writeFound(ctx context.Context, out *bufio.Writer, filter searchFilter) error {
	since := event.At(s.cfg.Now().Add(-onlineWithin))
	separator := "["
	// The text is looked for in more than the name, and folded further: what it finds is filtered once more below.
	query := fleet.Query{Text: filter.name, Limit: fleet.MaxLimit}
	for {
		page, err := s.cfg.View.Query(query)
		if err != nil {
			return err
		}
		for i := range page.Rows {
			v := searchVehicleOf(&page.Rows[i], since)
			if filter.online != nil && *filter.online != v.Online || !strings.Contains(strings.ToLower(v.Customer.Name), filter.name) {
				continue
			}
			if _, err := out.WriteString(separator); err != nil {
				return err
			}
			separator = ","
			if err := json.MarshalWrite(out, v); err != nil {
				return err
			}
		}
		if query.Cursor = page.NextCursor; query.Cursor == "" {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if separator == "[" { // none
		if _, err := out.WriteString(separator); err != nil {
			return err
		}
	}
	if err := out.WriteByte(']'); err != nil {
		return err
	}
	return out.Flush()
}

func searchVehicleOf(row *fleet.Row, since event.Time) client.SearchVehicle {
	return client.SearchVehicle{
		ID:          row.VIN,
		RegNo:       row.RegistrationNumber,
		HeartbeatTS: timeOf(row.LastHeartbeat),
		Online:      row.LastHeartbeat > since,
		Customer:    client.SearchCustomer{ID: row.Customer.ID, Name: row.Customer.Name, Address: row.Customer.Address},
	}
}
