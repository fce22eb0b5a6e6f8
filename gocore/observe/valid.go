package observe

import (
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// OTLP carries texts as UTF-8 alone: one span with another text, as the error of a file whose
// name is in no known encoding, and nothing of its whole batch could be sent.

// validText puts U+FFFD in the place of what is no UTF-8, as codec.AppendString does.
func validText(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }

func validAttributes(in []attribute.KeyValue) []attribute.KeyValue {
	return validEach(in, func(a attribute.KeyValue) (attribute.KeyValue, bool) {
		value, changed := validValue(a.Value)
		if !utf8.ValidString(string(a.Key)) {
			a.Key, changed = attribute.Key(validText(string(a.Key))), true
		}
		a.Value = value
		return a, changed
	})
}

func validValue(v attribute.Value) (valid attribute.Value, changed bool) {
	switch v.Type() {
	case attribute.STRING:
		if text := v.AsString(); !utf8.ValidString(text) {
			return attribute.StringValue(validText(text)), true
		}
	case attribute.STRINGSLICE:
		before := v.AsStringSlice()
		after := validEach(before, func(text string) (string, bool) { return validText(text), !utf8.ValidString(text) })
		if isOther(before, after) {
			return attribute.StringSliceValue(after), true
		}
	case attribute.SLICE:
		before := v.AsSlice()
		if after := validEach(before, validValue); isOther(before, after) {
			return attribute.SliceValue(after...), true
		}
	case attribute.MAP:
		before := v.AsMap()
		if after := validAttributes(before); isOther(before, after) {
			return attribute.MapValue(after...), true
		}
	}
	return v, false
}

func validEvents(in []sdktrace.Event) []sdktrace.Event {
	return validEach(in, func(e sdktrace.Event) (sdktrace.Event, bool) {
		attributes := validAttributes(e.Attributes)
		changed := isOther(e.Attributes, attributes) || !utf8.ValidString(e.Name)
		e.Name, e.Attributes = validText(e.Name), attributes
		return e, changed
	})
}

func validLinks(in []sdktrace.Link) []sdktrace.Link {
	return validEach(in, func(l sdktrace.Link) (sdktrace.Link, bool) {
		attributes := validAttributes(l.Attributes)
		changed := isOther(l.Attributes, attributes)
		l.Attributes = attributes
		return l, changed
	})
}

// validEach gives the list itself if nothing of it is changed: spans are shared, and
// nearly all are valid.
func validEach[T any](in []T, valid func(T) (T, bool)) []T {
	var out []T
	for i, each := range in {
		made, changed := valid(each)
		if changed && out == nil {
			out = append(make([]T, 0, len(in)), in...)
		}
		if changed {
			out[i] = made
		}
	}
	if out == nil {
		return in
	}
	return out
}

// isOther tells whether validEach made another list.
func isOther[T any](before, after []T) bool { return len(before) > 0 && &before[0] != &after[0] }
