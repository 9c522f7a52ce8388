package ingest

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

const tracerName = "github.com/fleetbeat/fleetbeat/internal/ingest"

// waiting is the context in which a door waits for a commit: to the end, whatever becomes of the request, and in its trace.
func waiting(r *http.Request) context.Context {
	span := trace.SpanFromContext(r.Context())
	if !span.IsRecording() {
		return context.Background()
	}
	return trace.ContextWithSpan(context.Background(), span)
}

// traceCommit begins the span of a caller's wait. end is given what came of it.
func traceCommit(ctx context.Context, rows int) (_ context.Context, end func(Receipt, error)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, func(Receipt, error) {}
	}
	ctx, span := parent.TracerProvider().Tracer(tracerName).Start(ctx, "commit", trace.WithAttributes(attribute.Int("fleetbeat.rows", rows)))
	return ctx, func(receipt Receipt, err error) {
		if err != nil {
			span.RecordError(err)
		}
		span.SetAttributes(attribute.Int64("fleetbeat.position", int64(receipt.Position)))
		span.End()
	}
}

// traceAppend begins the span of an append in the trace of the first caller of the batch that is traced.
func traceAppend(ctx context.Context, b *batch) (end func(error)) {
	if b.traced == nil {
		return func(error) {}
	}
	_, span := b.traced.TracerProvider().Tracer(tracerName).Start(trace.ContextWithSpan(ctx, b.traced), "append",
		trace.WithAttributes(attribute.Int("fleetbeat.rows", b.len())))
	return func(err error) {
		if err != nil {
			span.RecordError(err)
		}
		span.End()
	}
}
