package observe

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// callOptions are what Python says of a call below its trace context, in a line of words:
//
//	sentry          the ids are Sentry's, which says what requests carry
//	caller=ID       whom that is from, where there is no span (gocore.CallerOf)
//	remote          the span above is another process's
//	suppressed      nothing is to be recorded or sent on
//	no-requests     neither are requests, nor is a trace context sent with them
//	trace=ID        the sampler was asked about a root with this id
//	drop, record or keep, and then a JSON object of attributes: what the sampler has said
type callOptions struct {
	sentry, remote, suppressed, noRequests bool
	decision                               *decision // nil: Python was not asked
}

func parseOptions(line string) (o callOptions) {
	words, attributes, _ := strings.Cut(line, "{")
	var id trace.TraceID
	for word := range strings.FieldsSeq(words) {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "sentry":
			o.sentry = true
		case "remote":
			o.remote = true
		case "suppressed":
			o.suppressed = true
		case "no-requests":
			o.noRequests = true
		case "trace":
			id, _ = trace.TraceIDFromHex(value)
		case "drop":
			o.decision = &decision{SamplingDecision: sdktrace.Drop}
		case "record":
			o.decision = &decision{SamplingDecision: sdktrace.RecordOnly}
		case "keep":
			o.decision = &decision{SamplingDecision: sdktrace.RecordAndSample}
		}
	}
	if o.decision != nil {
		o.decision.traceID = id
		if attributes != "" {
			o.decision.attributes = parseAttributes("{" + attributes)
		}
	}
	return o
}

// parseAttributes reads a JSON object in the order of its members; a number with a point is a float.
func parseAttributes(text string) (out []attribute.KeyValue) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return out
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return out
		}
		out = append(out, attribute.KeyValue{Key: attribute.Key(key.(string)), Value: jsonValue(value)})
	}
	return out
}

func jsonValue(value any) attribute.Value {
	switch v := value.(type) {
	case bool:
		return attribute.BoolValue(v)
	case string:
		return attribute.StringValue(v)
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return attribute.Int64Value(i)
		}
		f, _ := v.Float64()
		return attribute.Float64Value(f)
	case []any:
		return jsonSlice(v)
	case map[string]any:
		return jsonKind(v)
	}
	return attribute.Value{}
}

// jsonKind reads an object that tells the kind of a value that JSON has not (_plain of _sampler.py).
func jsonKind(of map[string]any) attribute.Value {
	for kind, value := range of {
		text, _ := value.(string)
		switch kind {
		case "float":
			f, _ := strconv.ParseFloat(text, 64)
			return attribute.Float64Value(f)
		case "bytes":
			b, _ := base64.StdEncoding.DecodeString(text)
			return attribute.ByteSliceValue(b)
		case "map":
			members, _ := value.(map[string]any)
			out := make([]attribute.KeyValue, 0, len(members))
			for key, each := range members {
				out = append(out, attribute.KeyValue{Key: attribute.Key(key), Value: jsonValue(each)})
			}
			return attribute.MapValue(out...)
		}
	}
	return attribute.Value{}
}

func jsonSlice(values []any) attribute.Value {
	members := make([]attribute.Value, len(values))
	for i, value := range values {
		members[i] = jsonValue(value)
	}
	if len(members) == 0 {
		return attribute.StringSliceValue(nil)
	}
	if slices.ContainsFunc(members, func(v attribute.Value) bool { return v.Type() != members[0].Type() }) {
		return attribute.SliceValue(members...)
	}
	switch members[0].Type() {
	case attribute.BOOL:
		return attribute.BoolSliceValue(each(members, attribute.Value.AsBool))
	case attribute.INT64:
		return attribute.Int64SliceValue(each(members, attribute.Value.AsInt64))
	case attribute.FLOAT64:
		return attribute.Float64SliceValue(each(members, attribute.Value.AsFloat64))
	case attribute.STRING:
		return attribute.StringSliceValue(each(members, attribute.Value.AsString))
	}
	return attribute.SliceValue(members...)
}

func each[T any](values []attribute.Value, of func(attribute.Value) T) []T {
	out := make([]T, len(values))
	for i, value := range values {
		out[i] = of(value)
	}
	return out
}

// suppressedKey marks the context of a call below which nothing is sent on, and noRequestsKey one below
// which requests are not told of.
type (
	suppressedKey struct{}
	noRequestsKey struct{}
)

// apply puts what holds for all below a call into its context.
func (o *callOptions) apply(ctx context.Context) context.Context {
	if o.sentry {
		ctx = context.WithValue(ctx, sentryKey{}, true)
	}
	if o.noRequests {
		ctx = context.WithValue(ctx, noRequestsKey{}, true)
	}
	if !o.suppressed && (o.decision == nil || o.decision.SamplingDecision != sdktrace.Drop) {
		return ctx
	}
	above := trace.SpanContextFromContext(ctx)
	ctx = trace.ContextWithSpanContext(ctx, above.WithTraceFlags(above.TraceFlags()&^trace.FlagsSampled))
	if o.suppressed {
		ctx = context.WithValue(ctx, suppressedKey{}, true)
	}
	return ctx
}
