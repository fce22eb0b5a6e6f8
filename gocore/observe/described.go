package observe

import (
	"context"
	"slices"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// described is a finished span with what every span of Go bears. Each attribute
// that is set while a call runs costs it a tenth of its span, so these join when
// the span is sent.
type described struct {
	sdktrace.ReadOnlySpan
	describing
	own     []attribute.KeyValue // with what every span of Go bears
	dropped int                  // attributes that found no room
	isCall  bool
	baggage string // see withBaggage
}

// DroppedAttributes implements sdktrace.ReadOnlySpan.
func (d described) DroppedAttributes() int { return d.dropped }

// Resource implements sdktrace.ReadOnlySpan.
func (d described) Resource() *resource.Resource { return d.resource }

// Attributes implements sdktrace.ReadOnlySpan.
func (d described) Attributes() []attribute.KeyValue { return d.own }

// Name implements sdktrace.ReadOnlySpan.
func (d described) Name() string { return validText(d.ReadOnlySpan.Name()) }

// Events implements sdktrace.ReadOnlySpan.
func (d described) Events() []sdktrace.Event {
	if d.noEvents {
		return nil
	}
	return d.inner.events(d.ReadOnlySpan.Events())
}

// DroppedEvents implements sdktrace.ReadOnlySpan.
func (d described) DroppedEvents() int {
	if d.noEvents {
		return d.ReadOnlySpan.DroppedEvents() + len(d.ReadOnlySpan.Events())
	}
	return d.ReadOnlySpan.DroppedEvents()
}

// Links implements sdktrace.ReadOnlySpan.
func (d described) Links() []sdktrace.Link {
	if d.noLinks {
		return nil
	}
	return d.inner.links(d.ReadOnlySpan.Links())
}

// DroppedLinks implements sdktrace.ReadOnlySpan.
func (d described) DroppedLinks() int {
	if d.noLinks {
		return d.ReadOnlySpan.DroppedLinks() + len(d.ReadOnlySpan.Links())
	}
	return d.ReadOnlySpan.DroppedLinks()
}

// Status implements sdktrace.ReadOnlySpan.
func (d described) Status() sdktrace.Status {
	s := d.ReadOnlySpan.Status()
	s.Description = validText(s.Description)
	return s
}

// callSpan is the finished span of a call, and what is known of the call.
type callSpan struct {
	sdktrace.ReadOnlySpan
	function *gocore.Function
	split    gocore.Split
	measured bool
}

// describing is what is the same for all spans that are described.
type describing struct {
	resource          *resource.Resource // Python's: the SDK adds to its own what the environment says
	attributes        int                // that a span may have; negative: as many as it has
	texts             texts
	inner             texts // of events and links
	noEvents, noLinks bool  // none may be sent
}

// mostOurs is how many attributes we say of a span.
const mostOurs = 7

// describe gives the spans of a batch as they are sent. What we say of a span gives way to what others
// have said, where there is no room for both: Go drops the last attributes, Python the first.
func (with describing) describe(batch []sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	out := make([]sdktrace.ReadOnlySpan, len(batch))
	for i, s := range batch {
		c, isCall := s.(*callSpan)
		if isCall {
			s = c.ReadOnlySpan
		}
		own, members := takeBaggage(s.Attributes())
		attributes := append(make([]attribute.KeyValue, 0, mostOurs+len(own)), AttrSide.String(SideGo))
		if isCall {
			attributes = c.describe(attributes)
		}
		if with.texts >= 0 { // they are valid
			attributes = with.texts.attributes(attributes)
		}
		ours, dropped := len(attributes), s.DroppedAttributes()
		attributes = append(attributes, with.texts.attributes(own)...)
		if most := with.attributes; most >= 0 && len(attributes) > most {
			dropped += max(len(own)-most, 0)
			attributes = slices.Concat(attributes[ours:], attributes[:ours])[:most]
		}
		out[i] = described{s, with, attributes, dropped, isCall, members}
	}
	return out
}

// withBaggage has each span keep the baggage that it began with, for those of
// Python's processors that look for it at the start of a span. Only an attribute
// stays with a span until it is sent.
type withBaggage struct{ others }

// OnStart implements sdktrace.SpanProcessor.
func (withBaggage) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	if members := baggage.FromContext(ctx); members.Len() > 0 {
		s.SetAttributes(attrStartBaggage.String(members.String()))
	}
}

// takeBaggage takes what withBaggage has set out of the attributes.
func takeBaggage(from []attribute.KeyValue) (own []attribute.KeyValue, members string) {
	at := slices.IndexFunc(from, func(a attribute.KeyValue) bool { return a.Key == attrStartBaggage })
	if at < 0 {
		return from, ""
	}
	return slices.Delete(slices.Clone(from), at, at+1), from[at].Value.AsString()
}

func (c *callSpan) describe(out []attribute.KeyValue) []attribute.KeyValue {
	f := c.function
	out = append(out, AttrFunction.String(f.GoName))
	if f.File != "" {
		out = append(out, AttrFile.String(f.File), AttrLine.Int(f.Line))
	}
	if c.measured {
		out = append(out,
			AttrMarshalIn.Int64(int64(c.split.MarshalIn)),
			AttrRun.Int64(int64(c.split.Run)),
			AttrMarshalOut.Int64(int64(c.split.MarshalOut)))
	}
	return out
}
