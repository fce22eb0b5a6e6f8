package faults

import (
	"context"
	"net/http"
	"os"
	"strings"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// early is taken before anything is configured, as packages do.
var early = otel.GetTextMapPropagator()

// Propagated is what leaves.
type Propagated struct {
	// Headers that code of the user's own gives a request.
	Headers map[string]string
	// Environment of a program that is started.
	Environment []string
}

// Propagate returns what the global propagator of Go writes, and the environment of a program,
// both in a span of Go's if there is a name for it.
func Propagate(ctx context.Context, a TraceArgs) (Propagated, error) {
	if a.Span != "" {
		var span trace.Span
		ctx, span = tracer.Start(ctx, a.Span)
		defer span.End()
	}
	carrier := propagation.HeaderCarrier(http.Header{})
	early.Inject(ctx, carrier)
	out := Propagated{Headers: map[string]string{}}
	for _, name := range carrier.Keys() {
		out.Headers[strings.ToLower(name)] = carrier.Get(name)
	}
	command := gocore.Command(ctx, "env", "-0")
	command.Stderr = os.Stderr
	printed, err := command.Output()
	out.Environment = strings.Split(strings.TrimRight(string(printed), "\x00"), "\x00")
	return out, err
}

// ExtractArgs are headers of a request.
type ExtractArgs struct {
	// Headers by their names.
	Headers map[string]string
}

// Extract returns the trace context that the global propagator of Go reads.
func Extract(_ context.Context, a ExtractArgs) ([]string, error) {
	carrier := propagation.HeaderCarrier(http.Header{})
	for name, value := range a.Headers {
		carrier.Set(name, value)
	}
	t := gocore.TraceOf(early.Extract(context.Background(), carrier))
	return []string{t.Parent, t.State, t.Baggage}, nil
}
