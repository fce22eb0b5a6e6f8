package observe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
)

// readerOf makes a reader; histograms and counters of one with delta are of the time since.
func readerOf(t *testing.T, number int64, delta bool, views ...MetricView) *metricReader {
	t.Helper()
	return limitedReaderOf(t, number, delta, 2000, views...)
}

// limitedReaderOf makes one that keeps so many sets of attributes apart.
func limitedReaderOf(t *testing.T, number int64, delta bool, limit int, views ...MetricView) *metricReader {
	t.Helper()
	standard := MetricAggregation{Kind: "default"}
	made, err := newMetricReader(MetricReader{Number: number, Kinds: []MetricKind{
		{Kind: "counter", Delta: delta, Aggregation: standard, Cardinality: limit},
		{Kind: "histogram", Delta: delta, Aggregation: standard, Cardinality: limit},
	}}, MetricConfig{Views: views, Exemplars: "trace_based"})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// found gives the metrics of a name that a reader collects.
func found(t *testing.T, r *metricReader, name string) (out []metricdata.Metrics) {
	t.Helper()
	data, err := r.collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				out = append(out, m)
			}
		}
	}
	return out
}

// total gives the sum that a reader collects; -1: none.
func total(t *testing.T, r *metricReader, name string) int64 {
	t.Helper()
	for _, m := range found(t, r, name) {
		return m.Data.(metricdata.Sum[int64]).DataPoints[0].Value
	}
	return -1
}

// Instruments record for the readers that there are at the moment, each from its beginning on.
func TestReadersComeAndGo(t *testing.T) {
	p := &meters{}
	counter, err := p.Meter("test").Int64Counter("count")
	if err != nil || counter.Enabled(t.Context()) {
		t.Fatal(err, "or it records for nobody")
	}
	add := func(n int64) {
		again, _ := p.Meter("test").Int64Counter("count")
		again.Add(t.Context(), n)
	}
	first, second := readerOf(t, 1, false), readerOf(t, 2, true)
	add(1)
	p.use([]*metricReader{first})
	add(2)
	p.use([]*metricReader{first, second})
	counter.Add(t.Context(), 4)
	if a, b := total(t, first, "count"), total(t, second, "count"); a != 6 || b != 4 || !counter.Enabled(t.Context()) {
		t.Error(a, b)
	}
	p.use([]*metricReader{second})
	add(8)
	if a, b := total(t, first, "count"), total(t, second, "count"); a != 6 || b != 8 {
		t.Error(a, b)
	}
}

// A callback observes for each reader, until it is unregistered.
func TestCallbacks(t *testing.T) {
	p := &meters{}
	meter := p.Meter("test")
	gauge, _ := meter.Int64ObservableCounter("seen")
	registered, err := meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		to.ObserveInt64(gauge, 7)
		return nil
	}, gauge)
	if err != nil {
		t.Fatal(err)
	}
	first, second := readerOf(t, 1, false), readerOf(t, 2, false)
	p.use([]*metricReader{first, second})
	if a, b := total(t, first, "seen"), total(t, second, "seen"); a != 7 || b != 7 {
		t.Error(a, b)
	}
	if err := registered.Unregister(); err != nil {
		t.Fatal(err)
	}
	p.use([]*metricReader{first, readerOf(t, 3, false)})
	for _, each := range p.now() {
		if got := total(t, each, "seen"); got != -1 {
			t.Error(each.number, got)
		}
	}
}

// A collection does not wait for a callback that hangs; its points are for the next one. One that
// panics ends nothing.
func TestCallbacksThatFail(t *testing.T) {
	p, r := &meters{}, readerOf(t, 1, true)
	p.use([]*metricReader{r})
	meter := p.Meter("test")
	hang, release := make(chan struct{}), make(chan struct{})
	fails := true
	_, err := meter.Int64ObservableGauge("state", metric.WithInt64Callback(func(context.Context, metric.Int64Observer) error {
		select {
		case <-hang:
			<-release
		default:
			if fails {
				panic("on purpose")
			}
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	counter, _ := meter.Int64Counter("count")
	counter.Add(t.Context(), 5)
	if _, err := r.collect(t.Context()); err == nil {
		t.Error("a panic is no error")
	}
	fails = false
	close(hang)
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if _, err := r.collect(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(release)
	if got := total(t, r, "count"); got != 5 {
		t.Error(got)
	}
}

// Durations are the points that the SDK's histogram has of the same measurements, with views too.
func TestDurationsAreThoseOfTheSDK(t *testing.T) {
	all := []string{"histogram"}
	keep := []string{"error.type"}
	for name, views := range map[string][]MetricView{
		"none": nil,
		"buckets": {
			{Kinds: all, Name: "gostitch.call.*", Renamed: "fine", Aggregation: MetricAggregation{Kind: "explicit", Boundaries: []float64{0.0005, 0.005, 2}, MinMax: true}},
			{Kinds: all, Name: "gostitch.call.duration", Renamed: "coarse", Aggregation: MetricAggregation{Kind: "explicit", Boundaries: []float64{1}}},
			{Kinds: all, Name: "gostitch.call.duration", Renamed: "wide", Aggregation: MetricAggregation{Kind: "explicit", Boundaries: []float64{math.Inf(-1), -1, 1e12, 1, math.Inf(1)}}},
		},
		"keys": {{Kinds: all, Name: "*", Description: "by error", Aggregation: MetricAggregation{Kind: "default"}, Keys: &keep}},
		"drop": {{Kinds: all, Name: "*.duration", Aggregation: MetricAggregation{Kind: "drop"}}},
	} {
		for _, delta := range []bool{false, true} {
			for _, limit := range []int{2000, 2} {
				compareDurations(t, fmt.Sprint(name, delta, limit), limitedReaderOf(t, 1, delta, limit, views...), name != "drop")
			}
		}
	}
}

// compareDurations measures the same by the SDK and by us, twice.
func compareDurations(t *testing.T, name string, r *metricReader, isThere bool) {
	t.Helper()
	theirs, err := r.provider.Meter(tracerName, metric.WithInstrumentationVersion(gocore.Version), metric.WithSchemaURL(schemaURL)).
		Float64Histogram(callDuration.Name, metric.WithUnit(callDuration.Unit), metric.WithDescription(callDuration.Description),
			metric.WithExplicitBucketBoundaries(durationBounds...))
	if err != nil {
		t.Fatal(err)
	}
	functions := []*gocore.Function{{Name: "a.b"}, {Name: "a.c"}}
	for round := range 2 {
		for i, took := range []time.Duration{0, 10 * time.Microsecond, 10_001, time.Millisecond, 3 * time.Second, time.Hour, 500 * time.Microsecond} {
			f, failure := functions[(i+round)%2], []string{"", "", "timeout"}[i%3]
			r.calls.record(t.Context(), f, gocore.Measurement{Took: took, Lagged: -1, ErrorType: failure})
			theirs.Record(t.Context(), took.Seconds(), measuredAttributes(f, failure))
		}
		data, err := r.collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		compareScopes(t, name, data.ScopeMetrics, isThere)
	}
}

// compareScopes wants the scope of calls twice: by the SDK, and by us.
func compareScopes(t *testing.T, name string, all []metricdata.ScopeMetrics, isThere bool) {
	t.Helper()
	of := slices.DeleteFunc(slices.Clone(all), func(s metricdata.ScopeMetrics) bool { return s.Scope.Name != tracerName })
	switch {
	case !isThere && len(of) != 0:
		t.Errorf("%s: %v", name, of)
	case isThere && len(of) != 2:
		t.Fatalf("%s: %d scopes", name, len(of))
	case isThere:
		// The sums of the SDK are of floats.
		metricdatatest.AssertEqual(t, rounded(of[0]), rounded(of[1]), metricdatatest.IgnoreTimestamp())
	}
}

func rounded(s metricdata.ScopeMetrics) metricdata.ScopeMetrics {
	for _, m := range s.Metrics {
		points := m.Data.(metricdata.Histogram[float64]).DataPoints
		for i := range points {
			points[i].Sum = float64(time.Duration(points[i].Sum*1e9+0.5)) / 1e9
		}
	}
	return s
}

// Patterns are those of Python's fnmatch, whose documentation the rows follow.
func TestPatterns(t *testing.T) {
	for _, row := range []struct {
		pattern, text string
		matches       bool
	}{
		{"*", "", true}, {"*", "a.b\nc", true}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"a.c", "abc", false},
		{"[ab]c", "bc", true}, {"[!ab]c", "bc", false}, {"[!ab]c", "cc", true}, {"[a-c]", "b", true}, {"[^a]", "^", true},
		{"[", "[", true}, {"[]", "[]", true}, {"a*", "ba", false}, {"(a+)", "(a+)", true}, {"zo?", "zoë", true}, {"ë*", "ë", true},
		{"[c-a]", "b", false}, {"[!c-a]", "b", true}, {"[c-ab]", "b", true}, {"[a-]", "-", true}, {"[\\-a]", "^", true}, {"[&&a]", "&", true}, {"[]a]", "]", true}, {"[!]]", "]", false},
	} {
		made, err := pattern(row.pattern)
		if err != nil || made.MatchString(row.text) != row.matches {
			t.Errorf("%q of %q: %v, want %v", row.pattern, row.text, err, row.matches)
		}
	}
}

// A histogram of the runtime keeps its count and its order, with fewer buckets, which end where
// those of the runtime do.
func TestRuntimeHistograms(t *testing.T) {
	names := []string{runtimeHistogramNames[0].read}
	h := read(names)[names[0]].Float64Histogram()
	p, count := pointOf(h), uint64(0)
	for i, n := range h.Counts {
		count += n
		h.Counts[i] = 0
	}
	inBuckets := uint64(0)
	for _, n := range p.BucketCounts {
		inBuckets += n
	}
	if p.Count != count || inBuckets != count || len(p.BucketCounts) != len(p.Bounds)+1 || len(p.Bounds) > 50 || !slices.IsSorted(p.Bounds) {
		t.Error(p)
	}
	for _, bound := range p.Bounds {
		if !slices.Contains(h.Buckets, bound) {
			t.Error(bound)
		}
	}
	at := slices.Index(h.Buckets, p.Bounds[10])
	h.Counts[at-1], h.Counts[at] = 3, 4 // below and above
	if p = pointOf(h); p.BucketCounts[10] != 3 || p.BucketCounts[11] != 4 || p.Sum <= 3*p.Bounds[9]+4*p.Bounds[10] || p.Sum >= 3*p.Bounds[10]+4*p.Bounds[11] {
		t.Error(p)
	}
}
