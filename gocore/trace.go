package gocore

import (
	"context"
	"slices"
	"strings"
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

// Lines is how a trace context crosses the boundary; nothing if it is empty.
func (t TraceContext) Lines() string {
	if t.IsEmpty() {
		return ""
	}
	return string(t.lines())
}

// lines is how a trace context crosses the boundary.
func (t TraceContext) lines() []byte {
	out := make([]byte, 0, len(t.Parent)+len(t.State)+len(t.Baggage)+2)
	out = append(append(out, t.Parent...), '\n')
	out = append(append(out, t.State...), '\n')
	return append(out, t.Baggage...)
}

// Header is a header of a request, by which a trace goes on elsewhere. An empty value
// says that there is nothing to say, where another one may have been inherited.
type Header struct {
	Name, Value string
}

// Propagated are the headers that belong together, so that they are sent all or not at all.
type Propagated struct {
	Headers []Header
	// To tells whether they may go to a URL; nil: to any.
	To func(url string) bool
	// Prefix of the variables that stand for them in the environment of a program.
	Prefix string
	// IsBaggage is true for what a program says in its baggage, which may be a customer's
	// name: it is no part of the trace, and nothing for servers that may be anybody's.
	IsBaggage bool
}

// Goes tells whether they may go to a URL.
func (p *Propagated) Goes(url string) bool { return p.To == nil || p.To(url) }

// HeadersOf gives the headers by which what runs under ctx goes on elsewhere, in the
// formats that the process is configured to.
func HeadersOf(ctx context.Context) []Propagated {
	if o := observer.Load(); o != nil {
		return (*o).Headers(ctx)
	}
	return nil
}

// environmentOf gives the variables that OpenTelemetry reads in a program that is
// started; those of a program without a span of its own stay as they are.
func environmentOf(ctx context.Context) (out []string) {
	propagated := HeadersOf(ctx)
	if TraceOf(ctx).Parent == "" && !slices.ContainsFunc(propagated, func(p Propagated) bool { return !p.IsBaggage }) {
		return nil
	}
	for _, p := range propagated {
		for _, h := range p.Headers {
			out = append(out, p.Prefix+variable(h.Name)+"="+h.Value)
		}
	}
	return out
}

// variable gives the variable that stands for a header: letters, digits and _ in upper
// case, no digit first.
func variable(header string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, header)
	if name != "" && name[0] <= '9' {
		return "_" + name
	}
	return name
}
