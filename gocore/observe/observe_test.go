package observe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/internal/golden"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const header = "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-03\nvendor=x:1\nuser=zo%C3%AB"

// A span with everything is the golden frame from which Python builds its own.
func TestGoldenSpan(t *testing.T) {
	t.Parallel()
	ctx, _ := contextWithTrace(context.Background(), []byte(header))
	parent := trace.SpanContextFromContext(ctx)
	stub := tracetest.SpanStub{
		Name:        "tasks.pack",
		SpanContext: parent.WithSpanID(trace.SpanID{8, 7, 6, 5, 4, 3, 2, 1}),
		Parent:      parent,
		SpanKind:    trace.SpanKindClient,
		StartTime:   time.Unix(1_700_000_000, 1),
		EndTime:     time.Unix(1_700_000_001, 2),
		Attributes: []attribute.KeyValue{
			attribute.Bool("b", true), attribute.Int("i", -1), attribute.Float64("f", 0.5), attribute.String("s", "x"),
			attribute.BoolSlice("bs", []bool{true, false}), attribute.Int64Slice("is", []int64{1, 2}),
			attribute.Float64Slice("fs", []float64{0.5}), attribute.StringSlice("ss", []string{"a", "b"}),
			attribute.ByteSlice("y", []byte{0, 255}), attribute.Slice("l", attribute.IntValue(1), attribute.StringValue("x")),
			attribute.Map("m", attribute.Bool("k", true)),
		},
		Events:               []sdktrace.Event{{Name: "exception", Time: time.Unix(1_700_000_000, 5), Attributes: []attribute.KeyValue{attribute.String("exception.type", "E")}, DroppedAttributeCount: 4}},
		Links:                []sdktrace.Link{{SpanContext: parent.WithRemote(true), Attributes: []attribute.KeyValue{attribute.Int("n", 1)}, DroppedAttributeCount: 5}},
		DroppedEvents:        2,
		DroppedLinks:         3,
		Status:               sdktrace.Status{Code: codes.Error, Description: "went wrong"},
		Resource:             resource.Empty(),
		InstrumentationScope: instrumentation.Scope{Name: "scope", Version: "1", SchemaURL: "https://schema", Attributes: attribute.NewSet(attribute.Int("a", 1))},
	}
	golden.Check(t, "span", appendSpanFrame(nil, described{stub.Snapshot(), describing{inner: -1}, stub.Attributes, 1, true, "tenant=z%C3%B6e"}))
}

// The three lines become a local parent with all flags, its state and baggage.
func TestContextWithTrace(t *testing.T) {
	t.Parallel()
	ctx, _ := contextWithTrace(context.Background(), []byte(header))
	span := trace.SpanContextFromContext(ctx)
	if span.IsRemote() || span.TraceFlags() != 3 || span.TraceState().Get("vendor") != "x:1" {
		t.Errorf("the parent is %+v", span)
	}
	if got := baggage.FromContext(ctx).Member("user").Value(); got != "zoë" {
		t.Errorf("the baggage is %q", got)
	}
}

// Whatever is not a trace context makes no parent and no panic.
func TestContextWithTraceIgnoresNonsense(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n\n", "x", "00-0-0-0\n\n", header[:20], "\n\n" + strings.Repeat("=;,", 1000), "\xff\x00\n\xff\n\xff"} {
		ctx, _ := contextWithTrace(context.Background(), []byte(text))
		if span := trace.SpanContextFromContext(ctx); span.IsValid() {
			t.Errorf("%q became %+v", text, span)
		}
	}
}

// A resource of Python keeps the types of its attributes; nonsense is refused
// by name.
func TestResourceAttributes(t *testing.T) {
	t.Parallel()
	got, err := resourceAttributes([]Attribute{
		{"s", "str", []string{"x"}}, {"b", "bool", []string{"True"}}, {"i", "int", []string{"42"}},
		{"f", "float", []string{"1.5"}}, {"ls", "list of str", []string{"a", "b"}}, {"li", "list of int", []string{"1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := attribute.NewSet(
		attribute.String("s", "x"), attribute.Bool("b", true), attribute.Int("i", 42),
		attribute.Float64("f", 1.5), attribute.StringSlice("ls", []string{"a", "b"}), attribute.Int64Slice("li", []int64{1}),
	)
	if have := attribute.NewSet(got...); !have.Equals(&want) {
		t.Errorf("got %v", got)
	}
	for _, bad := range []Attribute{{"k", "int", []string{"x"}}, {"k", "set", []string{"x"}}, {"k", "str", nil}} {
		if _, err := resourceAttributes([]Attribute{bad}); err == nil || !strings.Contains(err.Error(), "attribute k") {
			t.Errorf("%+v gave %v", bad, err)
		}
	}
}

// A configuration that cannot work is an error that says what to correct.
func TestConfigureRefuses(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"OTEL_EXPORTER_OTLP_CERTIFICATE": {Traces: &TraceConfig{Endpoint: "127.0.0.1:1", Certificates: "nonsense"}},
		"OTEL_EXPORTER_OTLP_CLIENT":      {Traces: &TraceConfig{Endpoint: "127.0.0.1:1", ClientCertificate: "nonsense"}},
		"sentry-go refuses":              {Sentry: &SentryConfig{Active: true, DSN: "not a dsn"}},
	} {
		if _, err := Configure(context.Background(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want ...%s...", err, want)
		}
	}
}

// kept is an exporter that keeps what it is given.
type kept struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

func (k *kept) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spans = append(k.spans, spans...)
	return nil
}

func (k *kept) Shutdown(context.Context) error { return nil }

// tracesTo follows what is above, and samples all roots.
func tracesTo(to sender) *traces {
	t := &traces{sender: to, ids: &ids{isRandom: true}}
	t.provide(others{to}, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())))
	return t
}

// observing gives an observer whose spans are kept when it flushes.
func observing() (*Observer, *kept) {
	exporter := &kept{}
	o := &Observer{}
	sender := newBatcher(exporter, describing{resource: resource.Empty(), attributes: -1, texts: -1, inner: -1}, limits{queue: 100, batch: 10, delay: time.Hour, timeout: time.Minute})
	o.traces.Store(tracesTo(sender))
	return o, exporter
}

// A failed call ends its span with status, code and the stack of the error; a
// user's own span bears the side as well.
func TestSpansOfACall(t *testing.T) {
	t.Parallel()
	o, exporter := observing()
	call := gocore.NewCall(&gocore.Function{Name: "test.described", GoName: "pkg.Call", File: "f.go", Line: 3}, 0)
	call.Trace = []byte(header)
	ctx, end := o.StartCall(context.Background(), call)
	_, own := (&delegate{observer: o}).Tracer("user").Start(ctx, "own")
	own.End()
	end(gocore.Errorf(gocore.CodeData, "bad: %w", errors.New("cause")))
	o.Flush(context.Background())

	spans := exporter.spans
	if len(spans) != 2 || spans[0].Parent().SpanID() != spans[1].SpanContext().SpanID() {
		t.Fatalf("got %v", spans)
	}
	for _, span := range spans {
		if set := attribute.NewSet(span.Attributes()...); !set.HasValue(AttrSide) {
			t.Errorf("%s has no side", span.Name())
		}
	}
	if set := attribute.NewSet(spans[1].Attributes()...); !set.HasValue(AttrFunction) || !set.HasValue(AttrLine) || !set.HasValue(AttrCode) {
		t.Errorf("the call's span has %v", spans[1].Attributes())
	}
	if spans[1].Status().Code != codes.Error || spans[1].Events()[0].Name != "exception" {
		t.Errorf("the call's span is %v, %v", spans[1].Status(), spans[1].Events())
	}
}

// mute cannot be printed.
type mute struct{}

func (mute) Error() string { panic("the Error method panics") }

// A call whose error cannot be printed has a span all the same.
func TestAnErrorThatCannotBePrinted(t *testing.T) {
	t.Parallel()
	o, exporter := observing()
	call := gocore.NewCall(&gocore.Function{Name: "test.call"}, 0)
	call.Trace = []byte(header)
	_, end := o.StartCall(context.Background(), call)
	end(mute{})
	o.Flush(context.Background())

	if len(exporter.spans) != 1 || !strings.Contains(exporter.spans[0].Status().Description, "the Error method panics") {
		t.Errorf("got %v", exporter.spans)
	}
}

// OTLP refuses a whole batch for one text that is no UTF-8, wherever in a span it is.
func TestTextsThatAreNoUTF8(t *testing.T) {
	t.Parallel()
	o, exporter := observing()
	const bad, good = "caf\xe9", "caf\uFFFD"
	event := attribute.Slice("list", attribute.StringValue(bad), attribute.MapValue(attribute.String(bad, bad)))
	above, _ := contextWithTrace(context.Background(), []byte(header))
	_, span := (&delegate{observer: o}).Tracer("user").Start(above, bad,
		trace.WithLinks(trace.Link{SpanContext: trace.SpanContext{}.WithTraceID(trace.TraceID{1}).WithSpanID(trace.SpanID{1}), Attributes: []attribute.KeyValue{attribute.String("k", bad)}}))
	span.SetAttributes(attribute.String(bad, "x"), attribute.StringSlice("texts", []string{"fine", bad}))
	span.AddEvent(bad, trace.WithAttributes(event))
	span.SetStatus(codes.Error, bad)
	span.End()
	o.Flush(context.Background())

	got := exporter.spans[0]
	set := attribute.NewSet(got.Attributes()...)
	texts, _ := set.Value("texts")
	if !set.HasValue(good) || !slices.Equal(texts.AsStringSlice(), []string{"fine", good}) {
		t.Errorf("the attributes are %q", got.Attributes())
	}
	if got.Name() != good || got.Status().Description != good || got.Events()[0].Name != good {
		t.Errorf("the texts are %q, %q and %q", got.Name(), got.Status().Description, got.Events()[0].Name)
	}
	list := got.Events()[0].Attributes[0].Value.AsSlice()
	if inner := list[1].AsMap()[0]; list[0].AsString() != good || string(inner.Key) != good || inner.Value.AsString() != good {
		t.Errorf("the event has %q", got.Events()[0].Attributes)
	}
	if link := got.Links()[0].Attributes[0].Value.AsString(); link != good {
		t.Errorf("the link has %q", link)
	}
}

// What waits when a slow configuration is replaced and cannot be sent is counted.
func TestSpansLostByAReplacementAreCounted(t *testing.T) {
	before := gocore.ReadStats().SpansDropped
	o, first := observing()
	call := gocore.NewCall(&gocore.Function{Name: "test.call"}, 0)
	call.Trace = []byte(header)
	first.mu.Lock() // it sends one batch, which takes long
	for range 15 {
		_, end := o.StartCall(context.Background(), call)
		end(nil)
	}
	old := o.traces.Load()
	for sending := false; !sending; { // the first batch has left the queue
		old.sender.(*batcher).mu.Lock()
		sending = old.sender.(*batcher).queue.waiting == 5
		old.sender.(*batcher).mu.Unlock()
	}
	next, second := observing()
	ended, stop := context.WithTimeout(context.Background(), time.Millisecond)
	defer stop()
	replaced := make(chan struct{})
	go func() {
		old.sender.replaceBy(ended, next.traces.Load().sender)
		close(replaced)
	}()
	<-ended.Done()
	first.mu.Unlock()
	<-replaced
	next.Flush(context.Background())

	dropped := int(gocore.ReadStats().SpansDropped - before)
	if arrived := len(first.spans) + len(second.spans); arrived+dropped != 15 {
		t.Errorf("of 15, %d arrived and %d were counted", arrived, dropped)
	}
}

// A span that its function renames keeps what is known of the function.
func TestARenamedSpan(t *testing.T) {
	t.Parallel()
	o, exporter := observing()
	call := gocore.NewCall(&gocore.Function{Name: "test.renamed", GoName: "pkg.Renamed"}, 0)
	call.Trace = []byte(header)
	ctx, end := o.StartCall(context.Background(), call)
	trace.SpanFromContext(ctx).SetName("better")
	end(nil)
	o.Flush(context.Background())

	if len(exporter.spans) != 1 || exporter.spans[0].Name() != "better" {
		t.Fatalf("got %v", exporter.spans)
	}
	set := attribute.NewSet(exporter.spans[0].Attributes()...)
	if value, found := set.Value(AttrFunction); !found || value.AsString() != "pkg.Renamed" {
		t.Errorf("the span has %v", exporter.spans[0].Attributes())
	}
}

// What finds no room, or cannot be sent, is dropped and counted.
func TestDroppedSpansAreCounted(t *testing.T) {
	before := gocore.ReadStats().SpansDropped
	o, exporter := observing()
	call := gocore.NewCall(&gocore.Function{Name: "test.call"}, 0)
	call.Trace = []byte(header)
	exporter.mu.Lock() // it sends one batch, which takes long
	for range 200 {
		_, end := o.StartCall(context.Background(), call)
		end(nil)
	}
	ended, stop := context.WithTimeout(context.Background(), time.Millisecond)
	defer stop()
	if o.flush(ended) {
		t.Error("everything was sent although nothing could be")
	}
	exporter.mu.Unlock()
	o.Flush(context.Background())

	if dropped := int(gocore.ReadStats().SpansDropped - before); dropped < 80 || len(exporter.spans)+dropped != 200 {
		t.Errorf("%d arrived, %d were dropped", len(exporter.spans), dropped)
	}
}

// A span that is open while the configuration is replaced goes the new way.
func TestASpanThatOutlivesItsConfiguration(t *testing.T) {
	t.Parallel()
	o, first := observing()
	call := gocore.NewCall(&gocore.Function{Name: "test.call"}, 0)
	call.Trace = []byte(header)
	_, end := o.StartCall(context.Background(), call)
	next, second := observing()
	o.replace(o.traces.Swap(next.traces.Load()), next.traces.Load())
	end(nil)
	o.Flush(context.Background())

	if len(first.spans) != 0 || len(second.spans) != 1 {
		t.Errorf("%d went the old way, %d the new", len(first.spans), len(second.spans))
	}
}

// A tracer that a package took before anything was configured makes spans later.
func TestATracerFromTheStart(t *testing.T) {
	t.Parallel()
	o := &Observer{}
	tracer := (&delegate{observer: o}).Tracer("early")
	parent, _ := contextWithTrace(context.Background(), []byte(header))
	if ctx, span := tracer.Start(parent, "lost"); span.IsRecording() || !trace.SpanContextFromContext(ctx).Equal(trace.SpanContextFromContext(parent)) {
		t.Errorf("without a configuration there is %v", span)
	}
	next, exporter := observing()
	o.traces.Store(next.traces.Load())
	_, span := tracer.Start(parent, "kept")
	span.End()
	o.Flush(context.Background())

	if len(exporter.spans) != 1 || exporter.spans[0].InstrumentationScope().Name != "early" {
		t.Errorf("got %v", exporter.spans)
	}
}

// The way back gives what came.
func TestTraceOf(t *testing.T) {
	t.Parallel()
	ctx, _ := contextWithTrace(context.Background(), []byte(header))
	got := traceOf(ctx)
	want := gocore.TraceContext{Parent: header[:55], State: "vendor=x:1", Baggage: "user=zo%C3%AB"}
	if got != want {
		t.Errorf("got %+v", got)
	}
}

// Without a trace context, unsampled, or unconfigured, a call makes no span.
func TestNoSpanWhereNoneIsWanted(t *testing.T) {
	t.Parallel()
	o := &Observer{}
	call := gocore.NewCall(&gocore.Function{Name: "test.call"}, 0)
	for _, text := range []string{"", header, strings.Replace(header, "-03", "-00", 1)} {
		call.Trace = []byte(text)
		if _, end := o.StartCall(context.Background(), call); end != nil {
			t.Errorf("%q started a span", text)
		}
	}
}
