package observe

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// requests are those that one call makes. The first ones have spans of their own; the others are
// summed, so that thousands of downloads do not drown a trace.
type requests struct {
	sent atomic.Int64

	mu                      sync.Mutex
	summed, failed, resends int64            // guarded by mu; failed and resends are of all
	seconds                 float64          // guarded by mu; of those that are summed
	statuses                map[string]int64 // guarded by mu; of those that are summed
}

// requestSpans is how many requests of a call have a span of their own.
var requestSpans atomic.Int64

// requestsScope is the instrumentation scope of spans and metrics of requests.
const requestsScope = tracerName + "/http"

var (
	requestTracer = (&delegate{observer: process}).Tracer(requestsScope,
		trace.WithInstrumentationVersion(gocore.Version), trace.WithSchemaURL(schemaURL))
	requestDuration = sync.OnceValue(func() metric.Float64Histogram {
		meter := otel.Meter(requestsScope, metric.WithInstrumentationVersion(gocore.Version), metric.WithSchemaURL(schemaURL))
		made, err := meter.Float64Histogram("http.client.request.duration", metric.WithUnit("s"),
			metric.WithDescription("Duration of HTTP client requests."),
			metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10))
		if err != nil {
			otel.Handle(err)
		}
		return made
	})
)

// StartRequest implements gocore.Observer: a span by the conventions for HTTP clients, unless the
// call has made many already.
func (o *Observer) StartRequest(ctx context.Context, r gocore.Outgoing) (context.Context, func(gocore.Answer)) {
	if ctx.Value(noRequestsKey{}) != nil || ctx.Value(suppressedKey{}) != nil {
		return context.WithValue(ctx, suppressedKey{}, true), func(gocore.Answer) {}
	}
	isRecorded := trace.SpanFromContext(ctx).IsRecording()
	var of *requests
	if isRecorded {
		of = o.requestsOf(ctx)
	}
	common, span := requestAttributes(r), trace.Span(noop.Span{})
	isSummed := of != nil && of.sent.Add(1) > requestSpans.Load()
	if isRecorded && !isSummed {
		name, attributes := r.Method, append(slices.Clone(common), attrURL.String(r.URL))
		if !isKnownMethod(r.Method) {
			name, attributes = "HTTP", append(attributes, attrMethodOriginal.String(r.Method))
		}
		if r.Resend > 0 {
			attributes = append(attributes, attrResends.Int(r.Resend))
		}
		ctx, span = requestTracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	}
	begun := time.Now()
	return ctx, func(a gocore.Answer) {
		took := time.Since(begun).Seconds()
		outcome := outcomeOf(a)
		requestDuration().Record(ctx, took, metric.WithAttributes(append(common, outcome...)...))
		isFailure := endRequest(span, a, outcome)
		if of != nil {
			of.note(r, a, took, isSummed, isFailure)
		}
	}
}

// requestsOf gives what is known of the requests of the call that runs; nil if there is none, as in
// a goroutine that outlives it.
func (o *Observer) requestsOf(ctx context.Context) *requests {
	call := gocore.CallFrom(ctx)
	if call == nil || call.HasEnded() {
		return nil
	}
	if known, found := o.requests.Load(call); found {
		return known.(*requests)
	}
	made, found := o.requests.LoadOrStore(call, &requests{statuses: map[string]int64{}})
	if !found {
		o.requesting.Add(1)
	}
	return made.(*requests)
}

func requestAttributes(r gocore.Outgoing) []attribute.KeyValue {
	method := r.Method
	if !isKnownMethod(method) {
		method = "_OTHER"
	}
	return []attribute.KeyValue{attrMethod.String(method), attrServer.String(r.Host), attrPort.Int(r.Port)}
}

// isKnownMethod tells whether a method is one of those that the conventions name.
func isKnownMethod(method string) bool {
	return slices.Contains(knownMethods, method)
}

var knownMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"}

// badStatus is from when on a status is an error for a client.
const badStatus = 400

func outcomeOf(a gocore.Answer) (out []attribute.KeyValue) {
	if a.Status != 0 {
		out = append(out, attrStatus.Int(a.Status), attrProtocol.String(a.Protocol))
	}
	switch {
	case errors.Is(a.Err, context.Canceled): // whoever made it wants it no more
	case a.Err != nil:
		out = append(out, attrErrorType.String(gocore.TypeOf(gocore.UsefulError(a.Err))))
	case a.Status >= badStatus:
		out = append(out, attrErrorType.String(strconv.Itoa(a.Status)))
	}
	return out
}

// endRequest ends the span, and tells whether the request has failed.
func endRequest(span trace.Span, a gocore.Answer, outcome []attribute.KeyValue) bool {
	isFailure := slices.ContainsFunc(outcome, func(o attribute.KeyValue) bool { return o.Key == attrErrorType })
	if isFailure {
		text := "" // by the conventions, where a status says it
		if a.Err != nil {
			text = gocore.MessageOf(a.Err)
		}
		span.SetStatus(codes.Error, text)
	}
	span.SetAttributes(outcome...)
	span.End()
	return isFailure
}

func (q *requests) note(r gocore.Outgoing, a gocore.Answer, took float64, isSummed, isFailure bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if isFailure {
		q.failed++
	}
	if r.Resend > 0 {
		q.resends++
	}
	if isSummed {
		q.summed++
		q.seconds += took
		q.statuses[strconv.Itoa(a.Status)]++
	}
}

// endRequests puts the counts of a call's requests on its span.
func (o *Observer) endRequests(call *gocore.Call, span trace.Span) {
	found, some := o.requests.LoadAndDelete(call)
	if !some {
		return
	}
	o.requesting.Add(-1)
	q := found.(*requests)
	q.mu.Lock()
	defer q.mu.Unlock()
	span.SetAttributes(AttrRequests.Int64(q.sent.Load()), AttrRequestErrors.Int64(q.failed), AttrRequestResends.Int64(q.resends))
	if q.summed == 0 {
		return
	}
	summary := []attribute.KeyValue{AttrRequests.Int64(q.summed), attribute.Float64("gostitch.http.duration", q.seconds)}
	for status, count := range q.statuses {
		if status != "0" {
			summary = append(summary, attribute.Int64("gostitch.http.status."+status, count))
		}
	}
	span.AddEvent("gostitch.http.summed", trace.WithAttributes(summary...))
}

// Retry implements gocore.Observer: an event of the current span.
func (*Observer) Retry(ctx context.Context, reason error, attempt int, delay time.Duration) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.AddEvent("gostitch.retry", trace.WithAttributes(append(exception(reason)[:2],
		attribute.Int("gostitch.retry.attempt", attempt), attribute.Float64("gostitch.retry.delay", delay.Seconds()))...))
}
