package observe

import (
	"context"
	"fmt"
	"slices"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Twin of python/gostitch/observe/_propagation.py.

// Propagation is Python's global propagator.
type Propagation struct {
	// Names of the formats in which requests and programs carry a trace, in their order:
	// tracecontext, baggage, b3, b3multi, jaeger or xray; "own" stands for a propagator of the
	// user's own, whose headers come with each call.
	Names []string
}

// ownName is the name of a propagator that Go does not know.
const ownName = "own"

// format is how one propagator writes a trace, and reads it.
type format struct {
	fields  []string
	headers func(outgoing) []gocore.Propagated
	extract func(context.Context, propagation.TextMapCarrier) context.Context
}

// outgoing is what there is to write.
type outgoing struct {
	span    trace.SpanContext
	trace   gocore.TraceContext
	parent  trace.SpanID
	baggage baggage.Baggage
}

// formats are those of Python's propagators that Go knows; it writes what they do. Packages
// of OpenTelemetry's for Go write some of them otherwise, or are given up (X-Ray's).
var formats = map[string]format{
	"tracecontext": {[]string{parentHeader, stateHeader}, traceContextHeaders, propagation.TraceContext{}.Extract},
	"baggage":      {[]string{baggageHeader}, baggageHeaders, propagation.Baggage{}.Extract},
	"b3":           {[]string{b3Header}, b3Headers, extractB3},
	"b3multi":      {[]string{b3TraceHeader, b3SpanHeader, b3SampledHeader}, b3MultiHeaders, extractB3},
	"jaeger":       {[]string{jaegerHeader}, jaegerHeaders, extractJaeger},
	"xray":         {[]string{xrayHeader}, xrayHeaders, extractXRay},
}

// The headers of the W3C.
const (
	parentHeader  = "traceparent"
	stateHeader   = "tracestate"
	baggageHeader = "baggage"
)

func traceContextHeaders(o outgoing) []gocore.Propagated {
	return together(gocore.Header{Name: parentHeader, Value: o.trace.Parent}, gocore.Header{Name: stateHeader, Value: o.trace.State})
}

func baggageHeaders(o outgoing) []gocore.Propagated {
	members := gocore.Header{Name: baggageHeader, Value: o.trace.Baggage}
	return []gocore.Propagated{{Headers: []gocore.Header{members}, IsBaggage: true}}
}

// together gives headers of one propagator.
func together(headers ...gocore.Header) []gocore.Propagated {
	return []gocore.Propagated{{Headers: headers}}
}

// propagators are Python's global propagator: formats, one after the other.
type propagators []format

// standard is what OpenTelemetry has where nothing is configured.
var standard = propagators{formats["tracecontext"], formats["baggage"]}

func newPropagators(c Propagation) (propagators, error) {
	out := make(propagators, 0, len(c.Names))
	owns := 0
	for _, name := range c.Names {
		known, found := formats[name]
		if name == ownName {
			known, found = format{}, true
			owns++
		}
		if !found {
			return nil, fmt.Errorf("there is no propagator %q; Python describes it as %q", name, ownName)
		}
		out = append(out, known)
	}
	return out, nil
}

// headers gives what a request under ctx carries.
func (p propagators) headers(ctx context.Context) (out []gocore.Propagated) {
	own := ownHeaders(ctx)
	o := outgoing{trace: traceOf(ctx), baggage: baggage.FromContext(ctx), parent: parentOf(ctx)}
	o.span = trace.SpanContextFromContext(ctx)
	for _, f := range p {
		switch {
		case f.headers == nil:
			if len(own) > 0 && len(own[0]) > 0 {
				out = append(out, together(own[0]...)...)
			}
			own = own[min(1, len(own)):]
		case o.span.IsValid() || slices.Contains(f.fields, baggageHeader):
			out = append(out, f.headers(o)...)
		}
	}
	return out
}

// textMap is the library's global propagator: what is configured at the moment, so one that a
// package took in a variable follows Python's as well.
type textMap struct{ observer *Observer }

// Inject implements propagation.TextMapPropagator.
func (m textMap) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	for _, p := range m.observer.Headers(ctx) {
		if !p.Goes("") { // to whom is not known here
			continue
		}
		for _, h := range p.Headers {
			if h.Value != "" {
				carrier.Set(h.Name, h.Value)
			}
		}
	}
}

// Extract implements propagation.TextMapPropagator. What only Python can read is not read.
func (m textMap) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	for _, f := range m.observer.propagators() {
		if f.extract != nil {
			ctx = f.extract(ctx, carrier)
		}
	}
	return ctx
}

// Fields implements propagation.TextMapPropagator.
func (m textMap) Fields() (out []string) {
	for _, f := range m.observer.propagators() {
		out = append(out, f.fields...)
	}
	return out
}

func (o *Observer) propagators() propagators {
	if p := o.propagation.Load(); p != nil {
		return *p
	}
	return standard
}

// Headers implements gocore.Observer.
func (o *Observer) Headers(ctx context.Context) []gocore.Propagated {
	if ctx.Value(suppressedKey{}) != nil {
		return nil
	}
	if ctx.Value(sentryKey{}) != nil {
		return o.sentryHeaders(ctx)
	}
	return o.propagators().headers(ctx)
}
