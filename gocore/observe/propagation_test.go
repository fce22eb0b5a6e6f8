package observe

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/internal/golden"
	"go.opentelemetry.io/otel/baggage"
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
		ctx, _ := contextWithTrace(context.Background(), []byte(header[:parentLength+1]+came+"\n"))
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

// Below the lines of the trace come headers of propagators that only Python has, a section each.
func TestHeadersOfOnesOwn(t *testing.T) {
	t.Parallel()
	ctx, _ := contextWithTrace(context.Background(), golden.Read(t, "trace"))
	if got := traceOf(ctx); got != (gocore.TraceContext{Parent: header[:parentLength], State: "vendor=x:1", Baggage: "user=zo%C3%AB"}) {
		t.Errorf("the trace is %+v", got)
	}
	want := [][]gocore.Header{{{Name: "x-a", Value: "1"}, {Name: "x-b", Value: "2: 3"}}, nil, {{Name: "x-c", Value: "\xe9"}}}
	if got := ownHeaders(ctx); !reflect.DeepEqual(got, want) {
		t.Errorf("the headers are %q", got)
	}
	for _, text := range []string{"", header, header + "\n", header + "\noptions", header + "\noptions\n"} {
		ctx, _ := contextWithTrace(context.Background(), []byte(text))
		if got := ownHeaders(ctx); got != nil {
			t.Errorf("%q has the headers %q", text, got)
		}
	}
}

// Each of them stands where it stood among the others, which are written as Python has them.
func TestPropagators(t *testing.T) {
	t.Parallel()
	ctx, _ := contextWithTrace(context.Background(), golden.Read(t, "trace"))
	for names, want := range map[string]string{
		"":                     "",
		"tracecontext,baggage": "traceparent=" + header[:parentLength] + " tracestate=vendor=x:1 (baggage=user=zo%C3%AB)",
		"own,b3,own,own,own":   "x-a=1 x-b=2: 3 b3=0102030405060708090a0b0c0d0e0f10-1112131415161718-1 x-c=\xe9",
		"jaeger":               "uber-trace-id=0102030405060708090a0b0c0d0e0f10:1112131415161718:0000000000000000:03 (uberctx-user=zo%C3%AB)",
		"xray":                 "X-Amzn-Trace-Id=Root=1-01020304-05060708090a0b0c0d0e0f10;Parent=1112131415161718;Sampled=1",
	} {
		made, err := newPropagators(Propagation{Names: slices.DeleteFunc(strings.Split(names, ","), func(s string) bool { return s == "" })})
		if err != nil {
			t.Fatal(err)
		}
		if got := written(made.headers(ctx)); got != want {
			t.Errorf("%s wrote %s", names, got)
		}
	}
	if _, err := Configure(context.Background(), Config{Propagation: &Propagation{Names: []string{"b4"}}}); err == nil || !strings.Contains(err.Error(), `no propagator "b4"`) {
		t.Errorf("a name that nobody knows gave %v", err)
	}
}

// Without a span there is nothing of a trace to write, but there may be baggage.
func TestPropagatorsWithoutASpan(t *testing.T) {
	t.Parallel()
	member, _ := baggage.NewMember("a", "1")
	members, _ := baggage.New(member)
	ctx := baggage.ContextWithBaggage(context.Background(), members)
	for name := range formats {
		want := ""
		if name == "baggage" {
			want = "(baggage=a=1)"
		}
		if got := written(propagators{formats[name]}.headers(ctx)); got != want {
			t.Errorf("%s wrote %s", name, got)
		}
	}
}

func written(all []gocore.Propagated) string {
	var out []string
	for _, p := range all {
		for _, h := range p.Headers {
			text := h.Name + "=" + h.Value
			if p.IsBaggage {
				text = "(" + text + ")"
			}
			out = append(out, text)
		}
	}
	return strings.Join(out, " ")
}
