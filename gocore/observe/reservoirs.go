package observe

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/trace"
)

// mostExemplars of an exponential histogram, by the specification.
const mostExemplars = 20

// reservoirs keep exemplars as those of Python's SDK do: the last one of each bucket, or one of all,
// and none of them longer than until it was collected. The SDK's in Go keep theirs for ever.
func reservoirs(a sdkmetric.Aggregation) exemplar.ReservoirProvider {
	switch a := a.(type) {
	case sdkmetric.AggregationExplicitBucketHistogram:
		bounds := append([]float64{}, a.Boundaries...)
		return func(attribute.Set) exemplar.Reservoir { return newReservoir(len(bounds)+1, bounds) }
	case sdkmetric.AggregationBase2ExponentialHistogram:
		return func(attribute.Set) exemplar.Reservoir { return newReservoir(min(mostExemplars, int(a.MaxSize)), nil) }
	}
	return func(attribute.Set) exemplar.Reservoir { return newReservoir(1, nil) }
}

// reservoir has one place for each bucket of a histogram, or as many as there are for any measurements,
// each of which is as likely to be in one.
type reservoir struct {
	bounds []float64 // nil: any measurement in any place

	mu     sync.Mutex
	seen   int
	places []exemplar.Exemplar // guarded by mu; its time is zero where nothing is
}

func newReservoir(places int, bounds []float64) *reservoir {
	return &reservoir{bounds: bounds, places: make([]exemplar.Exemplar, places)}
}

// Offer implements exemplar.Reservoir.
func (r *reservoir) Offer(ctx context.Context, at time.Time, value exemplar.Value, dropped []attribute.KeyValue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	place := r.place(value)
	if place >= len(r.places) {
		return
	}
	kept := &r.places[place]
	*kept = exemplar.Exemplar{FilteredAttributes: dropped, Time: at, Value: value, TraceID: kept.TraceID[:0], SpanID: kept.SpanID[:0]}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		traceID, spanID := span.TraceID(), span.SpanID()
		kept.TraceID, kept.SpanID = append(kept.TraceID, traceID[:]...), append(kept.SpanID, spanID[:]...)
	}
}

// place gives where a measurement goes; mu is held.
func (r *reservoir) place(of exemplar.Value) int {
	if r.bounds != nil {
		value := of.Float64()
		if of.Type() == exemplar.Int64ValueType {
			value = float64(of.Int64())
		}
		at, _ := slices.BinarySearch(r.bounds, value)
		return at
	}
	r.seen++
	if r.seen <= len(r.places) {
		return r.seen - 1
	}
	return rand.IntN(r.seen)
}

// Collect implements exemplar.Reservoir.
func (r *reservoir) Collect(to *[]exemplar.Exemplar) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*to = (*to)[:0]
	for i, each := range r.places {
		if !each.Time.IsZero() {
			*to = append(*to, each)
			r.places[i] = exemplar.Exemplar{}
		}
	}
	r.seen = 0
}
