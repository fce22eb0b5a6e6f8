package observe

import (
	"context"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"
)

// delegate is the global tracer provider of the library. It is there from the
// start and stays; its tracers hand on to what is configured at the moment, so
// one that a package took in a variable follows Python's provider as well.
type delegate struct {
	embedded.TracerProvider
	observer *Observer
	tracers  sync.Map // instrumentation.Scope -> *tracer
}

// Tracer implements trace.TracerProvider.
func (d *delegate) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	c := trace.NewTracerConfig(options...)
	scope := instrumentation.Scope{
		Name:       name,
		Version:    c.InstrumentationVersion(),
		SchemaURL:  c.SchemaURL(),
		Attributes: c.InstrumentationAttributes(),
	}
	if known, found := d.tracers.Load(scope); found {
		return known.(*tracer)
	}
	made, _ := d.tracers.LoadOrStore(scope, &tracer{observer: d.observer, name: name, options: options})
	return made.(*tracer)
}

// tracer is one of delegate's.
type tracer struct {
	embedded.Tracer
	observer *Observer
	name     string
	options  []trace.TracerOption
	bound    atomic.Pointer[binding]
}

// binding is a tracer of one configuration.
type binding struct {
	to     *traces
	tracer trace.Tracer
}

// Start implements trace.Tracer. Without a configuration nothing is recorded,
// and what is below has the caller's span as its parent.
func (t *tracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	now := t.observer.traces.Load()
	if now == nil {
		return noop.Tracer{}.Start(ctx, name, options...)
	}
	b := t.bound.Load()
	if b == nil || b.to != now {
		b = &binding{now, now.provider.Tracer(t.name, t.options...)}
		t.bound.Store(b)
	}
	if len(options) > 0 {
		ctx, options = withoutNewRoot(ctx, options)
	}
	if !trace.SpanContextFromContext(ctx).IsValid() && ctx.Value(suppressedKey{}) != nil {
		return noop.Tracer{}.Start(ctx, name, options...)
	}
	return b.tracer.Start(now.flagged(ctx, trace.SpanContextFromContext(ctx)), name, options...)
}

// withoutNewRoot has a new root be one by its context, which the SDK takes flags from.
func withoutNewRoot(ctx context.Context, options []trace.SpanStartOption) (context.Context, []trace.SpanStartOption) {
	c := trace.NewSpanStartConfig(options...)
	if !c.NewRoot() {
		return ctx, options
	}
	return trace.ContextWithSpanContext(ctx, trace.SpanContext{}), []trace.SpanStartOption{
		trace.WithAttributes(c.Attributes()...), trace.WithLinks(c.Links()...),
		trace.WithSpanKind(c.SpanKind()), trace.WithTimestamp(c.Timestamp()),
	}
}
