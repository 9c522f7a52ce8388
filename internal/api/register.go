package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// maxBody bounds the body of every call but import and the doors of heartbeats, in bytes.
const maxBody = 256 << 10

// typed registers a handler that huma feeds and answers for. Errors pass the table: huma would tell them as they are.
func typed[I, O any](s *server, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	op.Errors = append(op.Errors, http.StatusServiceUnavailable)
	op.BodyReadTimeout = -1 // none: readBody has it by then, and when huma's 5 s pass, they end the whole request
	place := "body"
	if op.Method == http.MethodGet {
		place = "query"
	}
	huma.Register(s.huma, op, func(ctx context.Context, input *I) (*O, error) {
		var output *O
		err := s.ready()
		if err == nil {
			output, err = handler(ctx, input)
		}
		if err != nil {
			return nil, s.headed(problemOf(err, place, s.logger))
		}
		return output, nil
	})
}

// headed gives a problem the headers that go with its status.
func (s *server) headed(problem *huma.ErrorModel) error {
	if problem.Status == http.StatusServiceUnavailable {
		return huma.ErrorWithHeaders(problem, http.Header{"Retry-After": {"1"}})
	}
	return problem
}

// readBody reads a body before huma does, which would answer a broken connection with 500 and tell why.
func readBody(ctx huma.Context, next func(huma.Context)) {
	if ctx.Operation().RequestBody == nil {
		next(ctx)
		return
	}
	r, w := humago.Unwrap(ctx)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	var network net.Error
	switch {
	case errors.As(err, &tooLarge):
		writeProblem(w, http.StatusRequestEntityTooLarge, "the body is larger than 256 KiB")
	case errors.As(err, &network) && network.Timeout():
		writeProblem(w, http.StatusRequestTimeout, "the body came too slowly")
	case err != nil:
		writeProblem(w, http.StatusBadRequest, "the body could not be read to its end")
	default:
		r.Body = io.NopCloser(bytes.NewReader(body))
		next(ctx)
	}
}
