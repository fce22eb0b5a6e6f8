package observe

import (
	"context"
	"time"

	"github.com/gostitch/gostitch/gocore"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// sender is the way that finished spans take: a batcher, handover or nowhere.
type sender interface {
	// OnEnd takes a span, and never waits.
	OnEnd(sdktrace.ReadOnlySpan)
	// ForceFlush waits until the spans that have ended were sent, or ctx ends; then they are
	// still sent as soon as may be.
	ForceFlush(context.Context) error
	// replaceBy ends the sender; what ends later goes to the next one.
	replaceBy(ctx context.Context, next sender)
	// awaitEnd waits until a sender that was replaced has sent what it had, or ctx ends.
	awaitEnd(context.Context) error
}

// limits say how spans wait for being sent.
type limits struct {
	queue   int           // spans that may wait; structure comes before volume (spanQueue)
	batch   int           // spans that are sent at once
	delay   time.Duration // how long a span waits for company
	timeout time.Duration // of sending one batch
}

// others is the span processor for all spans but those of calls, which the
// observer hands to the sender itself, with what it knows of the call.
type others struct{ sender }

// OnEnd implements sdktrace.SpanProcessor.
func (o others) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.InstrumentationScope().Name != tracerName {
		o.sender.OnEnd(s)
	}
}

// OnStart implements sdktrace.SpanProcessor.
func (others) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// Shutdown implements sdktrace.SpanProcessor. A sender is only ever ended by the one that replaces it.
func (o others) Shutdown(ctx context.Context) error { return o.ForceFlush(ctx) }

var _ sdktrace.SpanProcessor = others{}

// nowhere is the way of spans after Python's provider was shut down: each one counts as dropped.
type nowhere struct{}

// OnEnd implements sender.
func (nowhere) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		gocore.CountDroppedSpans(1)
	}
}

// ForceFlush implements sender.
func (nowhere) ForceFlush(context.Context) error { return nil }

func (nowhere) replaceBy(context.Context, sender) {}

func (nowhere) awaitEnd(context.Context) error { return nil }
