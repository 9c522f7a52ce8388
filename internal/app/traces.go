package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// tracesStopWithin bounds the sending of the last traces.
const tracesStopWithin = 5 * time.Second

// checkTraces refuses figures and an address that cannot be.
func (a *App) checkTraces() error {
	c := a.config
	if c.TraceSample < 0 || c.TraceSample > 1 || c.Drain < 0 {
		return fmt.Errorf("the part of requests to trace, %g, must be between 0 and 1, and the time to drain, %s, not negative", c.TraceSample, c.Drain)
	}
	if u, err := url.Parse(c.Traces); c.Traces != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("the address for traces %q is not of the form http://host:4318", c.Traces)
	}
	return nil
}

// openTraces prepares traces from door to append, when they have somewhere to go. Where that is away, they are dropped.
func (a *App) openTraces(ctx context.Context) error {
	if a.config.Traces == "" {
		return nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(a.config.Traces, "/")+"/v1/traces"))
	if err != nil {
		return fmt.Errorf("sending traces to %s: %w", a.config.Traces, err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(quietly{exporter, a.config.Logger}),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(a.config.TraceSample))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "fleetbeat"),
			attribute.String("service.version", a.config.Version),
			attribute.String("service.instance.id", a.door()),
		)),
	)
	a.tracers = provider
	a.cleanup(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), tracesStopWithin)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			a.config.Logger.Warn("the last traces were not sent", "error", err)
		}
		return nil
	})
	return nil
}

// quietly tells our own log, and not the process's, that traces could not be sent.
type quietly struct {
	sdktrace.SpanExporter
	logger *slog.Logger
}

func (q quietly) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := q.SpanExporter.ExportSpans(ctx, spans); err != nil {
		q.logger.Warn("traces were not sent", "spans", len(spans), "error", err)
	}
	return nil
}

// traced makes each request a span, which goes on the trace that the request names.
func (a *App) traced(handler http.Handler) http.Handler {
	if a.tracers == nil {
		return handler
	}
	return otelhttp.NewHandler(handler, "http",
		otelhttp.WithTracerProvider(a.tracers),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return cmp.Or(r.Pattern, r.Method) }),
	)
}
