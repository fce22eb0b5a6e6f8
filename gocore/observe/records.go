package observe

import (
	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// appendSpan writes a span as bytes, which Python reads when somebody asks: one that is 1 if the span
// is sampled, then a span frame.
func appendSpan(out []byte, s sdktrace.ReadOnlySpan) []byte {
	frame := make([]byte, 1, frameSize)
	frame[0] = byte(s.SpanContext().TraceFlags() & trace.FlagsSampled)
	return msgp.AppendBytes(out, appendSpanFrame(frame, s))
}

// appendSpanFrame writes [its trace context, that of its parent, [name, kind, start, end],
// attributes, events, links, [status, its text], scope, [dropped attributes, events, links], whether
// it is a call's, the baggage that it began with, as a header of the W3C or empty]. Ids are bytes,
// times nanoseconds. Its twin is python/gostitch/observe/_span_frame.py.
func appendSpanFrame(out []byte, s sdktrace.ReadOnlySpan) []byte {
	out = msgp.AppendArrayHeader(out, 11)
	out = appendSpanContext(out, s.SpanContext())
	out = appendSpanContext(out, s.Parent())
	out = msgp.AppendArrayHeader(out, 4)
	out = codec.AppendString(out, s.Name())
	out = msgp.AppendInt(out, int(s.SpanKind()))
	out = msgp.AppendInt64(out, s.StartTime().UnixNano())
	out = msgp.AppendInt64(out, s.EndTime().UnixNano())
	out = appendAttributes(out, s.Attributes())
	out = appendEvents(out, s.Events())
	out = appendLinks(out, s.Links())
	out = msgp.AppendArrayHeader(out, 2)
	out = codec.AppendString(out, s.Status().Code.String())
	out = codec.AppendString(out, s.Status().Description)
	out = appendScope(out, s.InstrumentationScope())
	out = msgp.AppendArrayHeader(out, 3)
	out = msgp.AppendInt(out, s.DroppedAttributes())
	out = msgp.AppendInt(out, s.DroppedEvents())
	out = msgp.AppendInt(out, s.DroppedLinks())
	whole, _ := s.(described)
	out = msgp.AppendBool(out, whole.isCall)
	return codec.AppendString(out, whole.baggage)
}

// appendSpanContext writes [trace id, span id, flags, state, whether it is remote].
func appendSpanContext(out []byte, c trace.SpanContext) []byte {
	traceID, spanID := c.TraceID(), c.SpanID()
	out = msgp.AppendArrayHeader(out, 5)
	out = msgp.AppendBytes(out, traceID[:])
	out = msgp.AppendBytes(out, spanID[:])
	out = msgp.AppendUint8(out, uint8(c.TraceFlags()))
	out = codec.AppendString(out, c.TraceState().String())
	return msgp.AppendBool(out, c.IsRemote())
}

// appendScope writes [name, version, schema URL, attributes].
func appendScope(out []byte, s instrumentation.Scope) []byte {
	out = msgp.AppendArrayHeader(out, 4)
	out = codec.AppendString(out, s.Name)
	out = codec.AppendString(out, s.Version)
	out = codec.AppendString(out, s.SchemaURL)
	return appendAttributes(out, s.Attributes.ToSlice())
}

// appendEvents writes [time, name, attributes, dropped attributes] for each event.
func appendEvents(out []byte, events []sdktrace.Event) []byte {
	out = msgp.AppendArrayHeader(out, uint32(len(events)))
	for _, e := range events {
		out = msgp.AppendArrayHeader(out, 4)
		out = msgp.AppendInt64(out, e.Time.UnixNano())
		out = codec.AppendString(out, e.Name)
		out = appendAttributes(out, e.Attributes)
		out = msgp.AppendInt(out, e.DroppedAttributeCount)
	}
	return out
}

// appendLinks writes [its trace context, attributes, dropped attributes] for each link.
func appendLinks(out []byte, links []sdktrace.Link) []byte {
	out = msgp.AppendArrayHeader(out, uint32(len(links)))
	for _, l := range links {
		out = msgp.AppendArrayHeader(out, 3)
		out = appendSpanContext(out, l.SpanContext)
		out = appendAttributes(out, l.Attributes)
		out = msgp.AppendInt(out, l.DroppedAttributeCount)
	}
	return out
}

func appendAttributes(out []byte, attributes []attribute.KeyValue) []byte {
	out = msgp.AppendMapHeader(out, uint32(len(attributes)))
	for _, a := range attributes {
		out = codec.AppendString(out, string(a.Key))
		out = appendValue(out, a.Value)
	}
	return out
}

func appendValue(out []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.BOOL:
		return msgp.AppendBool(out, v.AsBool())
	case attribute.INT64:
		return msgp.AppendInt64(out, v.AsInt64())
	case attribute.FLOAT64:
		return msgp.AppendFloat64(out, v.AsFloat64())
	case attribute.BOOLSLICE:
		return appendList(out, v.AsBoolSlice(), msgp.AppendBool)
	case attribute.INT64SLICE:
		return appendList(out, v.AsInt64Slice(), msgp.AppendInt64)
	case attribute.FLOAT64SLICE:
		return appendList(out, v.AsFloat64Slice(), msgp.AppendFloat64)
	case attribute.STRINGSLICE:
		return appendList(out, v.AsStringSlice(), codec.AppendString)
	case attribute.BYTESLICE:
		return msgp.AppendBytes(out, v.AsByteSlice())
	case attribute.SLICE:
		return appendList(out, v.AsSlice(), appendValue)
	case attribute.MAP:
		return appendAttributes(out, v.AsMap())
	case attribute.EMPTY:
		return msgp.AppendNil(out)
	default:
		return codec.AppendString(out, v.String())
	}
}

func appendList[T any](out []byte, values []T, write func([]byte, T) []byte) []byte {
	out = msgp.AppendArrayHeader(out, uint32(len(values)))
	for _, value := range values {
		out = write(out, value)
	}
	return out
}
