package gocore

import (
	"context"
	"sync/atomic"
)

// spansDropped counts finished spans that never reached anybody.
var spansDropped atomic.Int64

// CountDroppedSpans counts spans that the observer could not hand on.
func CountDroppedSpans(n int) {
	if n > 0 {
		spansDropped.Add(int64(n))
	}
}

// SpansDropped gives how many spans found no room or could not be sent.
func SpansDropped() int64 { return spansDropped.Load() }

// TraceContext is the trace context of something that runs, as the headers of
// the W3C have it. Each part may be empty.
type TraceContext struct {
	// Parent is the header traceparent: the current span.
	Parent string
	// State is the header tracestate.
	State string
	// Baggage is the header baggage.
	Baggage string
}

// TraceOf gives the trace context of what runs under ctx, for what it starts
// elsewhere: a program, a request. It is empty where nothing is traced.
func TraceOf(ctx context.Context) TraceContext {
	if o := observer.Load(); o != nil {
		return (*o).Trace(ctx)
	}
	return TraceContext{}
}

// IsEmpty tells whether there is nothing to hand on.
func (t TraceContext) IsEmpty() bool { return t == TraceContext{} }

// lines is how a trace context crosses the boundary.
func (t TraceContext) lines() []byte {
	out := make([]byte, 0, len(t.Parent)+len(t.State)+len(t.Baggage)+2)
	out = append(append(out, t.Parent...), '\n')
	out = append(append(out, t.State...), '\n')
	return append(out, t.Baggage...)
}

// environment gives the variables that OpenTelemetry reads in a program that is
// started; those of a program without a span of its own stay as they are.
func (t TraceContext) environment() []string {
	if t.Parent == "" {
		return nil
	}
	return []string{"TRACEPARENT=" + t.Parent, "TRACESTATE=" + t.State, "BAGGAGE=" + t.Baggage}
}
