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

// texts is how long texts of attributes may be, in characters; negative: as long as they are. The
// SDK keeps it for attributes of spans alone.
type texts int

// text gives a text as it is sent.
func (most texts) text(s string) (sent string, changed bool) {
	if !utf8.ValidString(s) {
		s, changed = validText(s), true
	}
	if most >= 0 && len(s) > int(most) {
		if runes := []rune(s); len(runes) > int(most) {
			return string(runes[:most]), true
		}
	}
	return s, changed
}

func (most texts) attributes(in []attribute.KeyValue) []attribute.KeyValue {
	return validEach(in, func(a attribute.KeyValue) (attribute.KeyValue, bool) {
		value, changed := most.value(a.Value)
		if !utf8.ValidString(string(a.Key)) {
			a.Key, changed = attribute.Key(validText(string(a.Key))), true
		}
		a.Value = value
		return a, changed
	})
}

func (most texts) value(v attribute.Value) (sent attribute.Value, changed bool) {
	switch v.Type() {
	case attribute.STRING:
		if text, changed := most.text(v.AsString()); changed {
			return attribute.StringValue(text), true
		}
	case attribute.STRINGSLICE:
		before := v.AsStringSlice()
		if after := validEach(before, most.text); isOther(before, after) {
			return attribute.StringSliceValue(after), true
		}
	case attribute.SLICE:
		before := v.AsSlice()
		if after := validEach(before, most.value); isOther(before, after) {
			return attribute.SliceValue(after...), true
		}
	case attribute.MAP:
		before := v.AsMap()
		if after := most.attributes(before); isOther(before, after) {
			return attribute.MapValue(after...), true
		}
	}
	return v, false
}

func (most texts) events(in []sdktrace.Event) []sdktrace.Event {
	return validEach(in, func(e sdktrace.Event) (sdktrace.Event, bool) {
		attributes := most.attributes(e.Attributes)
		changed := isOther(e.Attributes, attributes) || !utf8.ValidString(e.Name)
		e.Name, e.Attributes = validText(e.Name), attributes
		return e, changed
	})
}

func (most texts) links(in []sdktrace.Link) []sdktrace.Link {
	return validEach(in, func(l sdktrace.Link) (sdktrace.Link, bool) {
		attributes := most.attributes(l.Attributes)
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
