package observe

import (
	"bytes"
	"context"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// lines is a propagation carrier over the three lines that cross the
// boundary: traceparent, tracestate, baggage.
type lines struct {
	traceparent, tracestate, baggage string
}

func parseLines(text []byte) lines {
	traceparent, rest, _ := bytes.Cut(text, []byte{'\n'})
	tracestate, members, _ := bytes.Cut(rest, []byte{'\n'})
	return lines{string(traceparent), string(tracestate), string(members)}
}

// Get implements propagation.TextMapCarrier.
func (l lines) Get(key string) string {
	switch key {
	case "traceparent":
		return l.traceparent
	case "tracestate":
		return l.tracestate
	}
	return ""
}

// Set implements propagation.TextMapCarrier; nothing is injected here.
func (l lines) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (l lines) Keys() []string { return []string{"traceparent", "tracestate"} }

// contextWithTrace makes the caller's span the local parent: the caller is in
// this very process, so it is not marked as remote.
func contextWithTrace(ctx context.Context, text []byte) context.Context {
	l := parseLines(text)
	remote := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), l))
	if remote.IsValid() {
		ctx = trace.ContextWithSpanContext(ctx, remote.WithRemote(false))
	}
	if l.baggage != "" {
		if members, err := baggage.Parse(l.baggage); err == nil {
			ctx = baggage.ContextWithBaggage(ctx, members)
		}
	}
	return ctx
}
