package observe

import (
	"context"
	"net/url"
	"strings"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// The headers of Zipkin: https://github.com/openzipkin/b3-propagation.
const (
	b3Header        = "b3"
	b3TraceHeader   = "x-b3-traceid"
	b3SpanHeader    = "x-b3-spanid"
	b3SampledHeader = "x-b3-sampled"
	b3FlagsHeader   = "x-b3-flags"
)

func b3Headers(o outgoing) []gocore.Propagated {
	value := o.span.TraceID().String() + "-" + o.span.SpanID().String() + "-" + sampledDigit(o.span)
	return together(gocore.Header{Name: b3Header, Value: value})
}

func b3MultiHeaders(o outgoing) []gocore.Propagated {
	return together(
		gocore.Header{Name: b3TraceHeader, Value: o.span.TraceID().String()},
		gocore.Header{Name: b3SpanHeader, Value: o.span.SpanID().String()},
		gocore.Header{Name: b3SampledHeader, Value: sampledDigit(o.span)},
	)
}

func sampledDigit(span trace.SpanContext) string {
	if span.IsSampled() {
		return "1"
	}
	return "0"
}

// extractB3 reads either form, the single header first.
func extractB3(ctx context.Context, c propagation.TextMapCarrier) context.Context {
	traceID, spanID, sampled := c.Get(b3TraceHeader), c.Get(b3SpanHeader), c.Get(b3SampledHeader)
	if c.Get(b3FlagsHeader) == "1" {
		sampled = "d"
	}
	if single := strings.Split(c.Get(b3Header), "-"); len(single) > 1 {
		traceID, spanID, sampled = single[0], single[1], "1" // where it says nothing of that
		if len(single) > 2 {
			sampled = single[2]
		}
	}
	return withRemote(ctx, traceID, spanID, sampled == "1" || sampled == "d" || sampled == "true")
}

// The headers of Jaeger: https://www.jaegertracing.io/docs/1.19/client-libraries/.
const (
	jaegerHeader  = "uber-trace-id"
	jaegerBaggage = "uberctx-"
	jaegerDebug   = 2 // as Python's propagator has it for all that is sampled
)

func jaegerHeaders(o outgoing) []gocore.Propagated {
	flags := o.span.TraceFlags()
	if o.span.IsSampled() {
		flags |= jaegerDebug
	}
	value := strings.Join([]string{o.span.TraceID().String(), o.span.SpanID().String(), o.parent.String(), flags.String()}, ":")
	out := together(gocore.Header{Name: jaegerHeader, Value: value})
	members := gocore.Propagated{IsBaggage: true}
	for _, m := range o.baggage.Members() {
		members.Headers = append(members.Headers, gocore.Header{Name: jaegerBaggage + m.Key(), Value: quoted(m.Value())})
	}
	if len(members.Headers) > 0 {
		out = append(out, members)
	}
	return out
}

// quoted is Python's urllib.parse.quote.
func quoted(text string) string {
	return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(text))
}

// parentOf gives the parent of the span that runs, where it is one of the SDK's.
func parentOf(ctx context.Context) trace.SpanID {
	if span, recorded := trace.SpanFromContext(ctx).(sdktrace.ReadOnlySpan); recorded {
		return span.Parent().SpanID()
	}
	return trace.SpanID{}
}

func extractJaeger(ctx context.Context, c propagation.TextMapCarrier) context.Context {
	parts := strings.Split(c.Get(jaegerHeader), ":")
	if len(parts) != 4 {
		return ctx
	}
	last := parts[3][max(len(parts[3])-1, 0):]
	return withRemote(ctx, parts[0], parts[1], strings.Contains("13579bdf", last) && last != "")
}

// The header of X-Ray: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html.
const (
	xrayHeader   = "X-Amzn-Trace-Id"
	xrayVersion  = "1-"
	xrayTimeSize = 8
)

func xrayHeaders(o outgoing) []gocore.Propagated {
	id := o.span.TraceID().String()
	value := "Root=" + xrayVersion + id[:xrayTimeSize] + "-" + id[xrayTimeSize:] +
		";Parent=" + o.span.SpanID().String() + ";Sampled=" + sampledDigit(o.span)
	return together(gocore.Header{Name: xrayHeader, Value: value})
}

func extractXRay(ctx context.Context, c propagation.TextMapCarrier) context.Context {
	parts := map[string]string{}
	for part := range strings.SplitSeq(c.Get(xrayHeader), ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[key] = value
	}
	root, isRoot := strings.CutPrefix(parts["Root"], xrayVersion)
	if !isRoot {
		return ctx
	}
	return withRemote(ctx, strings.Replace(root, "-", "", 1), parts["Parent"], parts["Sampled"] == "1")
}

// withRemote makes a span of another process the parent, if its ids are any; they may be short.
func withRemote(ctx context.Context, traceID, spanID string, sampled bool) context.Context {
	var c trace.SpanContextConfig
	var badTrace, badSpan error
	c.TraceID, badTrace = trace.TraceIDFromHex(padded(traceID, 2*len(c.TraceID)))
	c.SpanID, badSpan = trace.SpanIDFromHex(padded(spanID, 2*len(c.SpanID)))
	if badTrace != nil || badSpan != nil {
		return ctx
	}
	c.TraceFlags = c.TraceFlags.WithSampled(sampled)
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(c))
}

func padded(digits string, size int) string {
	return strings.Repeat("0", max(size-len(digits), 0)) + strings.ToLower(digits)
}
