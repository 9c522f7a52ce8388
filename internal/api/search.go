package api

import (
	"bufio"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
	"github.com/fleetbeat/fleetbeat/internal/fleet"
)

// maxCustomerName bounds the part of a name that is searched for, in bytes.
const maxCustomerName = 200

func (s *server) describeSearch() {
	text := &huma.Schema{Type: huma.TypeString}
	found := &huma.Schema{Type: huma.TypeArray, Items: s.shape(reflect.TypeFor[client.SearchVehicle]())}
	s.stream(huma.Operation{
		OperationID: "search", Method: http.MethodGet, Path: "/search", Tags: []string{"original"},
		Summary: "Vehicles by customer and connection",
		Description: "All that fit, in the order of their registration; without a filter, all there are. The answer shows every heartbeat that this server " +
			"acknowledged before it was asked.",
		Parameters: []*huma.Param{
			parameter("query", "customer_name", "Part of the customer's name, in any case, accents or not", text),
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

func (s *server) readSearch(r *http.Request) (q fleet.SearchQuery, err error) {
	query := r.URL.Query()
	q = fleet.SearchQuery{CustomerName: query.Get("customer_name"), Now: event.At(s.cfg.Now())}
	if len(q.CustomerName) > maxCustomerName {
		return q, refuse(http.StatusBadRequest, "query.customer_name", "is longer than 200 bytes", nil)
	}
	if query.Has("online") {
		values := query["online"]
		online := values[0] == "true"
		if len(values) > 1 || !online && values[0] != "false" {
			return q, refuse(http.StatusBadRequest, "query.online", "must be true or false", values[0])
		}
		q.Online = &online
	}
	return q, nil
}

func (s *server) search(w http.ResponseWriter, r *http.Request) {
	query, err := s.readSearch(r)
	if err == nil {
		err = s.reached(r.Context(), s.cfg.Appended())
	}
	if err != nil {
		writeModel(w, problemOf(err, "query", s.logger))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriterSize(newDownload(w), 32<<10)
	if err := s.writeFound(out, query); err != nil {
		if r.Context().Err() == nil {
			s.logger.Error("searching", "error", err)
		}
		panic(http.ErrAbortHandler) // part of the list may be out: cut it, so that nobody takes it for whole
	}
}

// writeFound writes the vehicles that the search finds as one JSON list, as it finds them: it may be the whole fleet.
func (s *server) writeFound(out *bufio.Writer, query fleet.SearchQuery) error {
	separator := byte('[')
	for row, online := range s.cfg.View.Search(query) {
		if err := out.WriteByte(separator); err != nil {
			return err
		}
		separator = ','
		if err := json.MarshalWrite(out, searchVehicleOf(&row, online)); err != nil {
			return err
		}
	}
	if separator == '[' { // none
		if err := out.WriteByte(separator); err != nil {
			return err
		}
	}
	if err := out.WriteByte(']'); err != nil {
		return err
	}
	return out.Flush()
}

func searchVehicleOf(row *fleet.Row, online bool) client.SearchVehicle {
	return client.SearchVehicle{
		ID:          row.VIN,
		RegNo:       row.RegistrationNumber,
		HeartbeatTS: timeOf(row.LastHeartbeat),
		Online:      online,
		Customer:    client.SearchCustomer{ID: row.Customer.ID, Name: row.Customer.Name, Address: row.Customer.Address},
	}
}
