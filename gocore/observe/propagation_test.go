package observe

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

// A tracestate goes on as it came, also where the SDK does not know all of its keys; its spans
// get what it knows, and what is no tracestate at all is dropped.
func TestStateThatTheSDKDoesNotKnow(t *testing.T) {
	t.Parallel()
	for came, want := range map[string]struct{ sent, known string }{
		"vendor=x:1":           {"vendor=x:1", "vendor=x:1"},
		"foo@=1,bar=2,b@c@d=3": {"foo@=1,bar=2,b@c@d=3", "bar=2"},
		"1st=1":                {"1st=1", ""},
		"foo\x01@=1,bar=2":     {"", ""},
	} {
		ctx := contextWithTrace(context.Background(), []byte(header[:parentLength+1]+came+"\n"))
		if got := traceOf(ctx).State; got != want.sent {
			t.Errorf("%q went on as %q", came, got)
		}
		span := trace.SpanContextFromContext(ctx)
		if got := span.TraceState().String(); got != want.known {
			t.Errorf("of %q the SDK got %q", came, got)
		}
		below := trace.ContextWithSpanContext(ctx, span.WithSpanID(trace.SpanID{1}))
		if got := traceOf(below).State; got != want.known {
			t.Errorf("below a span of Go's, %q went on as %q", came, got)
		}
	}
}
