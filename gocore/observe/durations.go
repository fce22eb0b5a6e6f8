package observe

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// callDuration is the instrument for how long calls take. Their bounds are in seconds; calls of Go take
// less than those that the conventions have bounds for.
var (
	callDuration = sdkmetric.Instrument{
		Name: "gostitch.call.duration", Description: "Duration of calls.", Unit: "s", Kind: sdkmetric.InstrumentKindHistogram,
		Scope: instrumentation.Scope{Name: tracerName, Version: gocore.Version, SchemaURL: schemaURL},
	}
	durationBounds = []float64{0.00001, 0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60}
)

// callDurations are those of calls, for one reader. The SDK's histogram would cost a small call as much as
// itself, so these are counted here, for every bound that a view asks for. What is no histogram
// of buckets, as a view may want it, is left to the SDK.
type callDurations struct {
	isLeft  bool // to the SDK
	isDelta bool
	limit   int // of sets of attributes; others are summed in one more
	filter  exemplar.Filter
	streams []durationStream
	bounds  []float64       // of all streams
	ends    []time.Duration // the same
	of      sync.Map        // *gocore.Function -> *functionDurations
	made    atomic.Int64    // how many series there are

	mu    sync.Mutex
	since time.Time // guarded by mu
}

// durationStream is what a view makes of the instrument.
type durationStream struct {
	sdkmetric.Stream
	histogram sdkmetric.AggregationExplicitBucketHistogram
}

// functionDurations are those of a function.
type functionDurations struct {
	done   *durationSeries
	failed sync.Map // type of the error -> *durationSeries
}

func newCallDurations(streams []sdkmetric.Stream, isDelta bool, limit int, filter exemplar.Filter) *callDurations {
	made := &callDurations{isDelta: isDelta, limit: limit, filter: filter, since: time.Now()}
	for _, each := range streams {
		switch a := each.Aggregation.(type) {
		case sdkmetric.AggregationDrop:
			continue
		case nil, sdkmetric.AggregationDefault:
			made.add(each, sdkmetric.AggregationExplicitBucketHistogram{Boundaries: durationBounds})
		case sdkmetric.AggregationExplicitBucketHistogram:
			made.add(each, a)
		default:
			return &callDurations{isLeft: true}
		}
	}
	slices.Sort(made.bounds)
	made.bounds = slices.Compact(made.bounds)
	for _, bound := range made.bounds {
		made.ends = append(made.ends, endOf(bound))
	}
	return made
}

// endOf gives a bound as a duration. It is a little more, since 0.000_01 is not quite that.
func endOf(bound float64) time.Duration {
	ns := bound*float64(time.Second) + 1e-3
	if ns >= math.MaxInt64 {
		return math.MaxInt64 // no call takes longer
	}
	return time.Duration(max(ns, -1)) // nor below 0
}

func (d *callDurations) add(s sdkmetric.Stream, as sdkmetric.AggregationExplicitBucketHistogram) {
	as.Boundaries = slices.Sorted(slices.Values(as.Boundaries)) // as the SDK does
	d.streams = append(d.streams, durationStream{s, as})
	d.bounds = append(d.bounds, as.Boundaries...)
}

// record counts the duration of a call.
func (d *callDurations) record(ctx context.Context, f *gocore.Function, m gocore.Measurement) {
	if len(d.streams) == 0 {
		return
	}
	s := d.series(f, m.ErrorType)
	at, _ := slices.BinarySearch(d.ends, m.Took)
	s.count(at, m.Took)
	if d.filter(ctx) {
		s.exemplars.Offer(ctx, time.Now(), exemplar.NewValue(m.Took.Seconds()), nil)
	}
}

func (d *callDurations) series(f *gocore.Function, failure string) *durationSeries {
	known, found := d.of.Load(f)
	if !found {
		known, _ = d.of.LoadOrStore(f, &functionDurations{done: d.newSeries(AttrCallee.String(f.Name))})
	}
	of := known.(*functionDurations)
	if failure == "" {
		return of.done
	}
	if known, found = of.failed.Load(failure); !found {
		known, _ = of.failed.LoadOrStore(failure, d.newSeries(AttrCallee.String(f.Name), attrErrorType.String(failure)))
	}
	return known.(*durationSeries)
}

func (d *callDurations) newSeries(attributes ...attribute.KeyValue) *durationSeries {
	return newDurationSeries(d.made.Add(1), d.bounds, attributes...)
}

// produce gives the points of all functions, as the views want them.
func (d *callDurations) produce() []metricdata.ScopeMetrics {
	if len(d.streams) == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	start, now := d.since, time.Now()
	if d.isDelta {
		d.since = now
	}
	var all []counted
	take := func(s *durationSeries) {
		if found := s.take(d.isDelta); slices.ContainsFunc(found.counts, func(n uint64) bool { return n > 0 }) {
			all = append(all, found)
		}
	}
	d.of.Range(func(_, f any) bool {
		of := f.(*functionDurations)
		take(of.done)
		of.failed.Range(func(_, s any) bool { take(s.(*durationSeries)); return true })
		return true
	})
	if len(all) == 0 {
		return nil
	}
	// Each time the same ones are within the limit.
	slices.SortFunc(all, func(a, b counted) int { return cmp.Compare(a.number, b.number) })
	out := metricdata.ScopeMetrics{Scope: callDuration.Scope}
	for i := range d.streams {
		s := &d.streams[i]
		data := metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality}
		if d.isDelta {
			data.Temporality = metricdata.DeltaTemporality
		}
		for _, each := range s.summed(all, d.limit) {
			p := s.point(d.bounds, each)
			p.StartTime, p.Time = start, now
			data.DataPoints = append(data.DataPoints, p)
		}
		out.Metrics = append(out.Metrics, metricdata.Metrics{Name: s.Name, Description: s.Description, Unit: s.Unit, Data: data})
	}
	return []metricdata.ScopeMetrics{out}
}

// overflow are the attributes of what is summed above a limit, by the specification.
var overflow = attribute.NewSet(attribute.Bool("otel.metric.overflow", true))

// summed sums what differs in attributes alone that the view drops, and what is above the limit.
func (s *durationStream) summed(all []counted, limit int) []counted {
	if s.AttributeFilter == nil && len(all) <= limit {
		return all
	}
	at, out := map[attribute.Distinct]int{}, []counted{}
	for _, each := range all {
		each.exemplars = slices.Clone(each.exemplars)
		if s.AttributeFilter != nil {
			kept, dropped := each.attributes.Filter(s.AttributeFilter)
			each.attributes = kept
			for i := range each.exemplars {
				each.exemplars[i].FilteredAttributes = dropped
			}
		}
		i, found := at[each.attributes.Equivalent()]
		if !found && len(out) >= limit {
			each.attributes = overflow
			i, found = at[overflow.Equivalent()]
		}
		if found {
			out[i].add(each)
			continue
		}
		at[each.attributes.Equivalent()] = len(out)
		each.counts = slices.Clone(each.counts)
		out = append(out, each)
	}
	return out
}

// point gives what was counted between all bounds by those of the view.
func (s *durationStream) point(bounds []float64, of counted) metricdata.HistogramDataPoint[float64] {
	p := metricdata.HistogramDataPoint[float64]{
		Attributes: of.attributes, Sum: of.sum.Seconds(), Bounds: s.histogram.Boundaries,
		BucketCounts: make([]uint64, len(s.histogram.Boundaries)+1),
	}
	for i, n := range of.counts {
		at := len(s.histogram.Boundaries)
		if i < len(bounds) {
			at, _ = slices.BinarySearch(s.histogram.Boundaries, bounds[i])
		}
		p.BucketCounts[at] += n
		p.Count += n
	}
	if !s.histogram.NoMinMax {
		p.Min, p.Max = metricdata.NewExtrema(of.least.Seconds()), metricdata.NewExtrema(of.greatest.Seconds())
	}
	p.Exemplars = s.exemplars(of.exemplars)
	return p
}

// exemplars gives the last one of each bucket.
func (s *durationStream) exemplars(all []exemplar.Exemplar) (out []metricdata.Exemplar[float64]) {
	last := map[int]exemplar.Exemplar{}
	for _, each := range all {
		at, _ := slices.BinarySearch(s.histogram.Boundaries, each.Value.Float64())
		if known, found := last[at]; !found || each.Time.After(known.Time) {
			last[at] = each
		}
	}
	for at := range len(s.histogram.Boundaries) + 1 {
		if each, found := last[at]; found {
			out = append(out, metricdata.Exemplar[float64]{
				FilteredAttributes: each.FilteredAttributes, Time: each.Time, Value: each.Value.Float64(), TraceID: each.TraceID, SpanID: each.SpanID,
			})
		}
	}
	return out
}
