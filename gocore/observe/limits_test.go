package observe

import (
	"testing"

	"go.opentelemetry.io/otel/trace"
)

// What finds no room in a span is counted, also where there is none at all.
func TestLimitsOfEventsAndLinks(t *testing.T) {
	for _, row := range []struct{ limit, kept int }{{0, 0}, {1, 1}, {2, 2}, {-1, 3}} {
		of := SpanLimits{Attributes: -1, AttributeLength: -1, InnerLength: -1, Events: row.limit, EventAttributes: -1, Links: row.limit, LinkAttributes: -1}
		made, err := newTraces(t.Context(), TraceConfig{
			Export: exportPython, Limits: of, Samplers: []Sampler{{Kind: samplerOn}}, QueueSize: 9, BatchSize: 9, DelayS: 60,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, span := made.provider.Tracer("test").Start(t.Context(), "span")
		for range 3 {
			span.AddEvent("event")
			span.AddLink(trace.Link{SpanContext: span.SpanContext()})
		}
		span.End()
		got := made.handover.with.describe(made.handover.queue.take(1))[0]
		if events, links := len(got.Events()), len(got.Links()); events != row.kept || links != row.kept {
			t.Errorf("limit %d: %d events, %d links", row.limit, events, links)
		}
		if events, links := got.DroppedEvents(), got.DroppedLinks(); events != 3-row.kept || links != 3-row.kept {
			t.Errorf("limit %d: %d events and %d links dropped", row.limit, events, links)
		}
	}
}
