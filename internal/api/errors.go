package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fleetbeat/fleetbeat/internal/fleet"
	"github.com/fleetbeat/fleetbeat/internal/history"
	"github.com/fleetbeat/fleetbeat/internal/proof"
	"github.com/fleetbeat/fleetbeat/internal/registry"
)

// internalDetail is all that a caller learns of an error of our own; the log has the rest.
const internalDetail = "something went wrong on our side; it is in the server's log"

// errNoVehicle says that the read side shows no vehicle with this VIN.
var errNoVehicle = errors.New("not found")

// Others read the log, or the history.
var (
	errLogBusy     = errors.New("the log is being read for others; try again")
	errHistoryBusy = errors.New("the history is being read for others; try again")
)

// statusOf is the one table from what other packages refuse to what HTTP calls it; 0 stands for an error of our own.
func statusOf(err error) int {
	for _, row := range [...]struct {
		err    error
		status int
	}{
		{errNoVehicle, http.StatusNotFound},
		{fleet.ErrInvalidQuery, http.StatusUnprocessableEntity},
		{fleet.ErrInvalidCursor, http.StatusUnprocessableEntity},
		{fleet.ErrTooManySubscribers, http.StatusServiceUnavailable},
		{fleet.ErrClosed, http.StatusServiceUnavailable}, // the server stops
		{history.ErrInvalidCursor, http.StatusUnprocessableEntity},
		{history.ErrNotKept, http.StatusNotFound},
		{history.ErrBehind, http.StatusServiceUnavailable},
		{history.ErrDamaged, http.StatusServiceUnavailable},
		{registry.ErrNotFound, http.StatusNotFound},
		{registry.ErrConflict, http.StatusConflict},
		{registry.ErrHasVehicles, http.StatusConflict},
		{registry.ErrInvalid, http.StatusUnprocessableEntity},
		{registry.ErrUnavailable, http.StatusServiceUnavailable},
		{registry.ErrBusy, http.StatusServiceUnavailable},
		{registry.ErrOutboxFull, http.StatusServiceUnavailable},
		{errFileTooLarge, http.StatusRequestEntityTooLarge},
		{errFileTooSlow, http.StatusRequestTimeout},
		{errFileBroken, http.StatusBadRequest},
		{errBehind, http.StatusServiceUnavailable},
		{errNoPeriod, http.StatusUnprocessableEntity},
		{errNoProof, http.StatusServiceUnavailable},
		{proof.ErrTooMuch, http.StatusUnprocessableEntity},
		{proof.ErrNotKept, http.StatusNotFound},
		{proof.ErrNotSigned, http.StatusServiceUnavailable},
		{proof.ErrBroken, http.StatusServiceUnavailable},
		{errLogBusy, http.StatusServiceUnavailable},
		{errHistoryBusy, http.StatusServiceUnavailable},
		{errBacktesting, http.StatusServiceUnavailable},
		{ErrTooMuch, http.StatusUnprocessableEntity},
		{errUnseen, http.StatusServiceUnavailable},
		{context.DeadlineExceeded, http.StatusServiceUnavailable},
		{context.Canceled, http.StatusServiceUnavailable}, // the caller is gone, or the server stops
	} {
		if errors.Is(err, row.err) {
			return row.status
		}
	}
	return 0
}

// problemOf is err as problem details; fields of the request that are at fault stand in place, its body or query.
// Errors of our own are logged and not told.
func problemOf(err error, place string, logger *slog.Logger) *huma.ErrorModel {
	if said, ok := errors.AsType[*huma.ErrorModel](err); ok {
		return said
	}
	status := statusOf(err)
	if status == 0 {
		logger.Error("answering", "error", err)
		return &huma.ErrorModel{Status: http.StatusInternalServerError, Title: "Internal Server Error", Detail: internalDetail}
	}
	problem := &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: err.Error()}
	if invalid, ok := errors.AsType[*registry.InvalidError](err); ok {
		problem.Detail = "the registry does not accept this"
		for _, field := range invalid.Fields {
			problem.Errors = append(problem.Errors, &huma.ErrorDetail{Location: place + "." + field.Field, Message: field.Reason})
		}
	}
	return problem
}

// refuse is a problem with one place, to be returned by a handler.
func refuse(status int, location, message string, value any) error {
	return &huma.ErrorModel{
		Status: status, Title: http.StatusText(status), Detail: message,
		Errors: []*huma.ErrorDetail{{Location: location, Message: message, Value: value}},
	}
}

// writeProblem answers with problem details, for handlers that do not run under huma.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	writeModel(w, &huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail})
}

func writeModel(w http.ResponseWriter, problem *huma.ErrorModel) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if problem.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(problem.Status)
	_ = writeJSON(w, problem) // an error here is the caller's connection: there is nobody left to tell
}

// maxEchoed bounds what a problem repeats of a wrong value, in bytes.
const maxEchoed = 100

// withoutLongValues keeps a problem from repeating a large or nested part of the request.
func withoutLongValues(_ huma.Context, _ string, v any) (any, error) {
	problem, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	for _, place := range problem.Errors {
		switch value := place.Value.(type) {
		case string:
			if len(value) > maxEchoed {
				place.Value = nil
			}
		case map[string]any, []any:
			place.Value = nil
		}
	}
	return problem, nil
}
