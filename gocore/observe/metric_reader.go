package observe

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

// metricReader is what Go has for one of Python's readers: a meter provider of its own, so that
// readers can come and go. It collects when that one does.
type metricReader struct {
	number   int64
	views    []view
	provider *sdkmetric.MeterProvider
	reader   *sdkmetric.ManualReader
	runtime  runtimeHistograms
	calls    *callDurations

	mu      sync.Mutex
	running *collection // guarded by mu; nil: none whose points nobody has taken
}

// collection goes on when who asked for it does not wait any more: its points are for the next.
type collection struct {
	done chan struct{}
	data metricdata.ResourceMetrics // when done
	err  error                      // when done
}

func newMetricReader(of MetricReader, c MetricConfig) (*metricReader, error) {
	prefer, err := newPreferences(of)
	if err != nil {
		return nil, err
	}
	made := &metricReader{number: of.Number}
	for _, each := range c.Views {
		v, err := newView(each)
		if err != nil {
			return nil, fmt.Errorf("a view cannot be read: %w", err)
		}
		made.views = append(made.views, v)
	}
	filter, isKnown := exemplarFilters[c.Exemplars]
	if !isKnown {
		return nil, fmt.Errorf("unknown filter of exemplars %q", c.Exemplars)
	}
	isDelta := prefer.temporality[sdkmetric.InstrumentKindHistogram] == metricdata.DeltaTemporality
	made.runtime.isDelta = isDelta
	limit := prefer.cardinality[sdkmetric.InstrumentKindHistogram] - 1 // which is with that for the others
	made.calls = newCallDurations(made.streamsOf(callDuration, prefer), isDelta, limit, filter)
	made.reader = sdkmetric.NewManualReader(
		sdkmetric.WithTemporalitySelector(func(kind sdkmetric.InstrumentKind) metricdata.Temporality { return prefer.temporality[kind] }),
		sdkmetric.WithAggregationSelector(func(kind sdkmetric.InstrumentKind) sdkmetric.Aggregation {
			return completed(prefer.aggregation[kind], kind)
		}),
		sdkmetric.WithCardinalityLimitSelector(func(kind sdkmetric.InstrumentKind) (int, bool) { return prefer.cardinality[kind], false }),
	)
	making.Store(true)
	defer making.Store(false)
	made.provider = sdkmetric.NewMeterProvider(
		sdkmetric.WithResource(resource.Empty()), // Python's is put to the points in Python
		sdkmetric.WithReader(made.reader),
		sdkmetric.WithExemplarFilter(filter),
		sdkmetric.WithView(made.streams(prefer)...),
	)
	return made, nil
}

// completed gives an aggregation of a reader that lacks nothing.
func completed(a sdkmetric.Aggregation, kind sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	standard := sdkmetric.DefaultAggregationSelector(kind)
	if a == nil {
		return standard
	}
	if isAdvised(a) {
		made := sdkmetric.DefaultAggregationSelector(sdkmetric.InstrumentKindHistogram).(sdkmetric.AggregationExplicitBucketHistogram)
		made.NoMinMax = a.(sdkmetric.AggregationExplicitBucketHistogram).NoMinMax
		return made
	}
	return a
}

// streams are the views, and one for what no view is for.
func (r *metricReader) streams(prefer preferences) []sdkmetric.View {
	out := make([]sdkmetric.View, 0, len(r.views)+1)
	for i := range r.views {
		v := &r.views[i]
		out = append(out, func(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
			if !v.matches(i) {
				return sdkmetric.Stream{}, false
			}
			return stream(i, v, prefer), true
		})
	}
	return append(out, func(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
		if slices.ContainsFunc(r.views, func(v view) bool { return v.matches(i) }) {
			return sdkmetric.Stream{}, false
		}
		return stream(i, &view{}, prefer), true
	})
}

// streamsOf gives what the views make of an instrument that is none of the SDK's.
func (r *metricReader) streamsOf(i sdkmetric.Instrument, prefer preferences) (out []sdkmetric.Stream) {
	for _, each := range r.streams(prefer) {
		if s, matches := each(i); matches {
			out = append(out, s)
		}
	}
	return out
}

// told is what was said of views and readers, once each.
var told sync.Map

func tellOnce(text string) {
	if _, before := told.LoadOrStore(text, true); !before {
		otel.Handle(errors.New(text))
	}
}

// stream gives what a view makes of an instrument. Python's SDK has names in lower case.
func stream(of sdkmetric.Instrument, by *view, prefer preferences) sdkmetric.Stream {
	if by.Lost != "" {
		tellOnce(fmt.Sprintf("metrics of Go are without what only Python can do: %s, which is for %s", by.Lost, of.Name))
	}
	out := sdkmetric.Stream{Name: strings.ToLower(of.Name), Description: of.Description, Unit: of.Unit, ExemplarReservoirProviderSelector: reservoirs}
	if by.Renamed != "" {
		out.Name = by.Renamed
	}
	if by.Description != "" {
		out.Description = by.MetricView.Description
	}
	if by.Keys != nil {
		keys := make([]attribute.Key, len(*by.Keys))
		for i, key := range *by.Keys {
			keys[i] = attribute.Key(key)
		}
		out.AttributeFilter = attribute.NewAllowKeysFilter(keys...)
	}
	out.Aggregation = by.aggregation
	if out.Aggregation == nil {
		out.Aggregation = prefer.aggregation[of.Kind]
	}
	// The instrument's own boundaries stand in for none; the SDK puts them where a view says nothing.
	if isAdvised(out.Aggregation) {
		out.Aggregation = nil
	}
	if !isPossible(of.Kind, out.Aggregation) {
		tellOnce(fmt.Sprintf("a view or a reader asks for %s of the instrument %s, which Go cannot make of it; it has the default instead", nameOf(out.Aggregation), of.Name))
		out.Aggregation = sdkmetric.AggregationDefault{}
	}
	return out
}

func nameOf(a sdkmetric.Aggregation) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", a), "metric.Aggregation")
}

// isPossible tells whether the SDK makes that of a kind of instruments.
func isPossible(kind sdkmetric.InstrumentKind, a sdkmetric.Aggregation) bool {
	isGauge := kind == sdkmetric.InstrumentKindGauge || kind == sdkmetric.InstrumentKindObservableGauge
	switch a.(type) {
	case sdkmetric.AggregationSum:
		return !isGauge
	case sdkmetric.AggregationLastValue:
		return isGauge
	}
	return true
}

// collect gives the points for Python's reader, or the reason that there are none until ctx ends.
func (r *metricReader) collect(ctx context.Context) (*metricdata.ResourceMetrics, error) {
	for {
		r.mu.Lock()
		c := r.running
		if c == nil {
			c = &collection{done: make(chan struct{})}
			r.running = c
			go r.run(c)
		}
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.done:
		}
		if r.take(c) {
			return &c.data, c.err
		}
	}
}

// take tells whether the points of a collection are for who asks.
func (r *metricReader) take(c *collection) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running != c {
		return false // somebody was faster
	}
	r.running = nil
	return true
}

// run collects on a goroutine that may outlive the call: callbacks are the user's code.
func (r *metricReader) run(c *collection) {
	pprof.SetGoroutineLabels(context.Background())
	returned := false
	defer close(c.done)
	defer func() {
		if !returned {
			c.err = fmt.Errorf("a callback of an instrument panicked: %v", recover())
		}
	}()
	err := r.reader.Collect(context.Background(), &c.data)
	if errors.Is(err, sdkmetric.ErrReaderShutdown) {
		err = nil
	}
	if err != nil { // of one callback; the others have observed
		otel.Handle(err)
	}
	c.data.ScopeMetrics = append(append(c.data.ScopeMetrics, r.calls.produce()...), r.runtime.produce(r)...)
	returned = true
}
