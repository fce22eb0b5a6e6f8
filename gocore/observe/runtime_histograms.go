package observe

import (
	"math"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/semconv/v1.43.0/goconv"
)

// loadedAt is when the runtime began to count.
var loadedAt = time.Now()

// runtimeHistograms are the histograms that Go's runtime keeps itself. No instrument could record
// them, so they join the points of a reader; a view can drop or rename them.
type runtimeHistograms struct {
	isDelta bool

	mu    sync.Mutex
	since time.Time                            // guarded by mu: the last collection, if they are of the time since
	last  map[string]*metrics.Float64Histogram // guarded by mu: what that has found
}

// runtimeHistogramNames are the conventions' names of what is read.
var runtimeHistogramNames = []struct {
	read string
	of   interface {
		Name() string
		Unit() string
		Description() string
	}
}{
	{"/sched/latencies:seconds", goconv.ScheduleDuration{}},
	{"/sched/pauses/total/gc:seconds", goconv.MemoryGCPauseDuration{}},
}

// produce gives them as a scope of their own, as the views of the reader want it.
func (h *runtimeHistograms) produce(of *metricReader) []metricdata.ScopeMetrics {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, start, last := time.Now(), loadedAt, h.last
	if h.isDelta && !h.since.IsZero() {
		start = h.since
	}
	h.since, h.last = now, map[string]*metrics.Float64Histogram{}
	out := metricdata.ScopeMetrics{Scope: instrumentation.Scope{Name: runtimeScope, Version: gocore.Version, SchemaURL: schemaURL}}
	for _, each := range runtimeHistogramNames {
		found := read([]string{each.read})[each.read]
		if found.Kind() != metrics.KindFloat64Histogram {
			continue // this version of Go has it not
		}
		whole := found.Float64Histogram()
		h.last[each.read] = whole
		point := pointOf(whole)
		if before := last[each.read]; h.isDelta && before != nil {
			point = pointOf(without(whole, before))
		}
		point.StartTime, point.Time = start, now
		as := sdkmetric.Instrument{Name: each.of.Name(), Unit: each.of.Unit(), Description: each.of.Description(), Kind: sdkmetric.InstrumentKindHistogram, Scope: out.Scope}
		data := metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: []metricdata.HistogramDataPoint[float64]{point}}
		if h.isDelta {
			data.Temporality = metricdata.DeltaTemporality
		}
		for _, s := range of.streamsOf(as, preferences{}) {
			if _, isDropped := s.Aggregation.(sdkmetric.AggregationDrop); !isDropped {
				out.Metrics = append(out.Metrics, metricdata.Metrics{Name: s.Name, Description: s.Description, Unit: s.Unit, Data: data})
			}
		}
	}
	if len(out.Metrics) == 0 {
		return nil
	}
	return []metricdata.ScopeMetrics{out}
}

// without gives what was counted since.
func without(whole, before *metrics.Float64Histogram) *metrics.Float64Histogram {
	out := &metrics.Float64Histogram{Buckets: whole.Buckets, Counts: make([]uint64, len(whole.Counts))}
	for i := range out.Counts {
		out.Counts[i] = whole.Counts[i] - before.Counts[i]
	}
	return out
}

// pointOf gives a histogram of the runtime as a point. Its 160 buckets become those that end at a power
// of two, since each is a series of its own in Prometheus. The sum is not known: each measurement
// counts as the middle of its bucket.
func pointOf(h *metrics.Float64Histogram) (p metricdata.HistogramDataPoint[float64]) {
	inBucket := uint64(0)
	exponent := math.MinInt
	for i, count := range h.Counts {
		lower, upper := h.Buckets[i], h.Buckets[i+1]
		p.Count += count
		p.Sum += float64(count) * middle(lower, upper)
		inBucket += count
		if math.IsInf(upper, 1) {
			break
		}
		if _, e := math.Frexp(upper); e != exponent || upper <= 0 {
			exponent = e
			p.Bounds = append(p.Bounds, upper)
			p.BucketCounts = append(p.BucketCounts, inBucket)
			inBucket = 0
		}
	}
	p.BucketCounts = append(p.BucketCounts, inBucket)
	return p
}

// middle of a bucket; one that has an end only is taken for that.
func middle(lower, upper float64) float64 {
	switch {
	case math.IsInf(lower, -1):
		return max(upper, 0)
	case math.IsInf(upper, 1):
		return lower
	}
	return (lower + upper) / 2
}
