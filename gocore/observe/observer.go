package observe

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
)

// Observer implements gocore.Observer. The zero value observes nothing until
// it is configured.
type Observer struct {
	traces atomic.Pointer[traces] // nil: Python has no exporter that Go can serve
	sentry atomic.Pointer[reporting]
	former sync.Map // sender -> none: those that were replaced and still send

	propagation atomic.Pointer[propagators] // nil: standard

	measured atomic.Pointer[callInstruments] // nil: nobody collects

	requests   sync.Map     // *gocore.Call -> *requests: of calls with a span that make some
	requesting atomic.Int64 // how many those are
}

// traces is one configuration of tracing.
type traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	sender   sender
	handover *handover // the sender, if Python takes spans
	ids      *ids

	exceptions       exceptionSignal
	roots            bool // calls outside of any span have one
	recordsUnsampled bool // below a span that is not sampled the sampler may record
}

// ownFunctions are those by which Python configures observing, which are no part
// of anybody's trace.
const ownFunctions = "observe."

// StartCall makes Python's current span the parent of what the function does,
// and starts the span of the call if Python would record one there.
func (o *Observer) StartCall(ctx context.Context, call *gocore.Call) (context.Context, func(error)) {
	t := o.traces.Load()
	if len(call.Trace) == 0 && (t == nil || !t.roots) {
		return ctx, nil
	}
	ctx, options := contextWithTrace(ctx, call.Trace)
	above := trace.SpanContextFromContext(ctx)
	if t == nil || !t.mayRecord(above, options) || strings.HasPrefix(call.Function.Name, ownFunctions) {
		return o.withHub(ctx), nil
	}
	function := call.Function
	ctx, span := t.startCall(t.flagged(ctx, above), function.Name, options)
	if !span.IsRecording() {
		return o.withHub(ctx), nil
	}
	call.Time()
	return o.withHub(ctx), func(err error) {
		split, measured := call.Split()
		if o.requesting.Load() > 0 {
			o.endRequests(call, span)
		}
		t.endSpan(ctx, span, err)
		if ended, isWhole := span.(sdktrace.ReadOnlySpan); isWhole {
			t.sender.OnEnd(&callSpan{ended, function, split, measured})
		}
		if t.handover != nil {
			call.SpansWait(&callSpans{t.handover, span.SpanContext().TraceID()})
		}
	}
}

// mayRecord tells whether a span of a call could be recorded: its sampler is asked if so.
func (t *traces) mayRecord(above trace.SpanContext, options *callOptions) bool {
	switch {
	case options.suppressed:
		return false
	case options.decision != nil:
		return options.decision.SamplingDecision != sdktrace.Drop
	case !above.IsValid():
		return t.roots
	}
	return above.IsSampled() || t.recordsUnsampled
}

// startCall starts the span of a call. What Python's sampler has said of it is in the context of
// nothing else, but for attributes that go with the decision.
func (t *traces) startCall(ctx context.Context, name string, options *callOptions) (context.Context, trace.Span) {
	if options.decision == nil {
		return t.tracer.Start(ctx, name)
	}
	_, span := t.tracer.Start(context.WithValue(ctx, decisionKey{}, options.decision), name)
	return trace.ContextWithSpan(context.WithValue(ctx, belowKey{}, options.decision), span), span
}

// flagged has a root tell that the id of its trace is random: the SDK takes that from what is above.
func (t *traces) flagged(ctx context.Context, above trace.SpanContext) context.Context {
	if !t.ids.isRandom || above.IsValid() {
		return ctx
	}
	return trace.ContextWithSpanContext(ctx, trace.SpanContext{}.WithTraceFlags(trace.FlagsRandom))
}

// BackgroundPanic reports to Sentry a panic that no reply can carry.
func (o *Observer) BackgroundPanic(ctx context.Context, err *gocore.PanicError) {
	if r := o.sentry.Load(); r != nil {
		hub := hubOf(ctx)
		if hub == nil {
			hub = sentry.CurrentHub()
		}
		r.client.CaptureEvent(panicEvent(ctx, err), &sentry.EventHint{Context: ctx}, hub.Scope())
	}
}

// Flush sends buffered spans and events, both at once.
func (o *Observer) Flush(ctx context.Context) { o.flush(ctx) }

// flush tells whether everything was sent.
func (o *Observer) flush(ctx context.Context) bool {
	var group errgroup.Group
	if t := o.traces.Load(); t != nil {
		group.Go(func() error { return t.sender.ForceFlush(ctx) })
	}
	o.former.Range(func(each, _ any) bool {
		group.Go(func() error { return each.(sender).awaitEnd(ctx) })
		return true
	})
	if r := o.sentry.Load(); r != nil {
		group.Go(func() error { r.client.FlushWithContext(ctx); return nil })
	}
	return group.Wait() == nil
}

// Trace implements gocore.Observer.
func (o *Observer) Trace(ctx context.Context) gocore.TraceContext { return traceOf(ctx) }
