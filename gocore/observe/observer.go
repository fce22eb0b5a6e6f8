package observe

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
)

// Observer implements gocore.Observer. The zero value observes nothing until
// it is configured.
type Observer struct {
	traces atomic.Pointer[traces] // nil: Python has no exporter that Go can serve
	sentry atomic.Pointer[sentry.Client]
	former sync.Map // *batcher -> none: those that were replaced and still send
}

// traces is one configuration of tracing.
type traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	batcher  *batcher
}

// ownFunctions are those by which Python configures observing, which are no part
// of anybody's trace.
const ownFunctions = "observe."

// StartCall makes Python's current span the parent of what the function does,
// and starts the span of the call if that trace is sampled and exported.
func (o *Observer) StartCall(ctx context.Context, call *gocore.Call) (context.Context, func(error)) {
	if len(call.Trace) == 0 {
		return ctx, nil
	}
	ctx = contextWithTrace(ctx, call.Trace)
	t := o.traces.Load()
	if t == nil || !trace.SpanContextFromContext(ctx).IsSampled() || strings.HasPrefix(call.Function.Name, ownFunctions) {
		return ctx, nil
	}
	function := call.Function
	ctx, span := t.tracer.Start(ctx, function.Name)
	call.Time()
	return ctx, func(err error) {
		split, measured := call.Split()
		endSpan(span, err)
		if ended, isWhole := span.(sdktrace.ReadOnlySpan); isWhole {
			t.batcher.OnEnd(&callSpan{ended, function, split, measured})
		}
	}
}

// endSpan records how the call ended.
func endSpan(span trace.Span, err error) {
	if err != nil {
		code := string(gocore.CodeOf(err))
		span.SetStatus(codes.Error, gocore.MessageOf(err))
		span.SetAttributes(AttrCode.String(code))
		span.AddEvent("exception", trace.WithAttributes(exception(err)...))
	}
	span.End()
}

func exception(err error) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		attrExceptionType.String(gocore.TypeOf(err)),
		attrExceptionMessage.String(gocore.MessageOf(err)),
	}
	if stack := gocore.StackOf(err); len(stack) > 0 {
		attrs = append(attrs, attrExceptionStacktrace.String(gocore.FormatStack(stack)))
	}
	return attrs
}

// BackgroundPanic reports to Sentry a panic that no reply can carry.
func (o *Observer) BackgroundPanic(ctx context.Context, err *gocore.PanicError) {
	if client := o.sentry.Load(); client != nil {
		client.CaptureEvent(panicEvent(ctx, err), &sentry.EventHint{Context: ctx}, nil)
	}
}

// Flush sends buffered spans and events, both at once.
func (o *Observer) Flush(ctx context.Context) { o.flush(ctx) }

// flush tells whether everything was sent.
func (o *Observer) flush(ctx context.Context) bool {
	var group errgroup.Group
	if t := o.traces.Load(); t != nil {
		group.Go(func() error { return t.provider.ForceFlush(ctx) })
	}
	o.former.Range(func(each, _ any) bool {
		group.Go(func() error { return each.(*batcher).awaitEnd(ctx) })
		return true
	})
	if client := o.sentry.Load(); client != nil {
		group.Go(func() error { client.FlushWithContext(ctx); return nil })
	}
	return group.Wait() == nil
}

// Trace implements gocore.Observer.
func (o *Observer) Trace(ctx context.Context) gocore.TraceContext { return traceOf(ctx) }
