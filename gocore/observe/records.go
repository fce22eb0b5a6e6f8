package observe

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// recordExporter hands finished spans to Python, for exporters that exist only
// there. Its twin is python/gostitch/observe/_spans.py.
type recordExporter struct{}

// ExportSpans implements sdktrace.SpanExporter.
func (recordExporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, span := range spans {
		gocore.PushHost(gocore.RecordSpan, appendSpan(nil, span))
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (recordExporter) Shutdown(context.Context) error { return nil }

// appendSpan writes a span frame: [trace id, span id, parent id, flags,
// tracestate, name, kind, start, end, attributes, events, links, status code,
// status text, scope name, scope version, baggage]; ids are bytes, times
// nanoseconds, the baggage is a header of the W3C or empty.
func appendSpan(out []byte, s sdktrace.ReadOnlySpan) []byte {
	context, parent := s.SpanContext(), s.Parent()
	traceID, spanID, parentID := context.TraceID(), context.SpanID(), parent.SpanID()
	out = msgp.AppendArrayHeader(out, 17)
	out = msgp.AppendBytes(out, traceID[:])
	out = msgp.AppendBytes(out, spanID[:])
	out = msgp.AppendBytes(out, parentID[:])
	out = msgp.AppendUint8(out, uint8(context.TraceFlags()))
	out = codec.AppendString(out, context.TraceState().String())
	out = codec.AppendString(out, s.Name())
	out = msgp.AppendInt(out, int(s.SpanKind()))
	out = msgp.AppendInt64(out, s.StartTime().UnixNano())
	out = msgp.AppendInt64(out, s.EndTime().UnixNano())
	out = appendAttributes(out, s.Attributes())
	out = appendEvents(out, s.Events())
	out = appendLinks(out, s.Links())
	out = codec.AppendString(out, s.Status().Code.String())
	out = codec.AppendString(out, s.Status().Description)
	out = codec.AppendString(out, s.InstrumentationScope().Name)
	out = codec.AppendString(out, s.InstrumentationScope().Version)
	whole, _ := s.(described)
	return codec.AppendString(out, whole.baggage)
}

// appendEvents writes [time, name, attributes] for each event.
func appendEvents(out []byte, events []sdktrace.Event) []byte {
	out = msgp.AppendArrayHeader(out, uint32(len(events)))
	for _, e := range events {
		out = msgp.AppendArrayHeader(out, 3)
		out = msgp.AppendInt64(out, e.Time.UnixNano())
		out = codec.AppendString(out, e.Name)
		out = appendAttributes(out, e.Attributes)
	}
	return out
}

// appendLinks writes [trace id, span id, flags, attributes] for each link.
func appendLinks(out []byte, links []sdktrace.Link) []byte {
	out = msgp.AppendArrayHeader(out, uint32(len(links)))
	for _, l := range links {
		traceID, spanID := l.SpanContext.TraceID(), l.SpanContext.SpanID()
		out = msgp.AppendArrayHeader(out, 4)
		out = msgp.AppendBytes(out, traceID[:])
		out = msgp.AppendBytes(out, spanID[:])
		out = msgp.AppendUint8(out, uint8(l.SpanContext.TraceFlags()))
		out = appendAttributes(out, l.Attributes)
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
