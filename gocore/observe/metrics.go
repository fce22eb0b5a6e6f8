package observe

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Collecting is what Python collects for.
type Collecting struct {
	// Reader of Python's, by its number.
	Reader int64
	// Queued calls, whose reply was not handled yet.
	Queued int64
}

// Collected are points for Python.
type Collected struct {
	// Points by their scopes (appendPoints).
	Points []byte
}

// CollectMetrics gives a reader of Python's the points that Go has for it. When the call's context
// ends before, they are for the next time.
//
//gostitch:long
func CollectMetrics(ctx context.Context, c Collecting) (Collected, error) {
	queued.Store(c.Queued)
	r := processMeters.reader(c.Reader)
	if r == nil {
		return Collected{Points: appendPoints(nil, nil)}, nil
	}
	data, err := r.collect(ctx)
	if err != nil {
		return Collected{}, err
	}
	return Collected{Points: appendPoints(nil, data.ScopeMetrics)}, nil
}

// queued is the last that Python has told.
var queued atomic.Int64

// useMetrics has metrics made for the readers of a configuration. Those that stay keep what they have.
func useMetrics(c MetricConfig) error {
	readers := make([]*metricReader, 0, len(c.Readers))
	for _, each := range c.Readers {
		known := processMeters.reader(each.Number)
		if known == nil {
			var err error
			if known, err = newMetricReader(each, c); err != nil {
				return err
			}
		}
		readers = append(readers, known)
	}
	processMeters.use(readers)
	if len(readers) > 0 {
		gocore.StartMetering()
		measureProcess()
	}
	return nil
}

// measureProcess makes the instruments that gostitch itself has, once somebody collects.
var measureProcess = sync.OnceFunc(func() {
	of := func(scope string) metric.Meter {
		return processMeters.Meter(scope, metric.WithInstrumentationVersion(gocore.Version), metric.WithSchemaURL(schemaURL))
	}
	calls, err := newCallInstruments(of(tracerName))
	if err == nil {
		process.measured.Store(calls)
	}
	if err = errors.Join(err, observeRuntime(of(runtimeScope))); err != nil {
		otel.Handle(err)
	}
})

// callInstruments are what the SDK measures of calls.
type callInstruments struct {
	duration *parts[metric.Float64Histogram] // for readers that want no buckets
	cancel   metric.Float64Histogram
}

func newCallInstruments(meter metric.Meter) (*callInstruments, error) {
	made, failed := &callInstruments{}, [3]error{}
	duration, err := meter.Float64Histogram(callDuration.Name, metric.WithUnit(callDuration.Unit),
		metric.WithDescription(callDuration.Description), metric.WithExplicitBucketBoundaries(durationBounds...))
	made.duration, failed[0] = duration.(*float64Histogram).parts, err
	made.cancel, failed[1] = meter.Float64Histogram("gostitch.cancel.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from the end of a call's context to that of the call."), metric.WithExplicitBucketBoundaries(durationBounds...))
	failed[2] = observeCalls(meter)
	return made, errors.Join(failed[:]...)
}

// Measured implements gocore.Observer.
func (o *Observer) Measured(ctx context.Context, f *gocore.Function, m gocore.Measurement) {
	of := o.measured.Load()
	if of == nil || strings.HasPrefix(f.Name, ownFunctions) {
		return
	}
	for _, r := range processMeters.now() {
		if !r.calls.isLeft {
			r.calls.record(ctx, f, m)
		} else if made, found := of.duration.at(r); found {
			made.Record(ctx, m.Took.Seconds(), measuredAttributes(f, m.ErrorType))
		}
	}
	if m.Lagged >= 0 {
		of.cancel.Record(ctx, m.Lagged.Seconds(), measuredAttributes(f, ""))
	}
}

func measuredAttributes(f *gocore.Function, failure string) metric.RecordOption {
	if failure == "" {
		return metric.WithAttributes(AttrCallee.String(f.Name))
	}
	return metric.WithAttributes(AttrCallee.String(f.Name), attrErrorType.String(failure))
}

// observeCalls makes the instruments that tell of what the core counts.
func observeCalls(meter metric.Meter) error {
	var failed [8]error
	counter := func(i int, name, unit, description string) metric.Int64ObservableCounter {
		made, err := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		failed[i] = err
		return made
	}
	upDown := func(i int, name, unit, description string) metric.Int64ObservableUpDownCounter {
		made, err := meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		failed[i] = err
		return made
	}
	calls := counter(0, "gostitch.calls", "{call}", "Calls that have ended.")
	bytes := counter(1, "gostitch.call.bytes", "By", "Bytes of arguments and results.")
	cancelled := counter(2, "gostitch.calls.cancelled", "{call}", "Calls whose context ended before they did.")
	records := counter(3, "gostitch.records.dropped", "{record}", "Spans and log records that found no room on their way to Python.")
	spans := counter(4, "gostitch.spans.dropped", "{span}", "Spans that found no room or could not be sent.")
	running := upDown(5, "gostitch.calls.running", "{call}", "Calls that run.")
	waiting := upDown(6, "gostitch.queue.depth", "{call}", "Submitted calls whose reply was not handled yet.")
	heap := upDown(7, "gostitch.heap.used", "By", "Objects on Go's heap, live and not yet collected.")
	_, err := meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		for _, each := range gocore.ReadMeters() {
			if strings.HasPrefix(each.Function, ownFunctions) {
				continue
			}
			of := func(more ...attribute.KeyValue) metric.ObserveOption {
				return metric.WithAttributes(append(more, AttrCallee.String(each.Function))...)
			}
			succeeded := each.Calls
			for kind, count := range each.Errors {
				succeeded -= count
				to.ObserveInt64(calls, count, of(attrErrorType.String(kind)))
			}
			to.ObserveInt64(calls, succeeded, of())
			to.ObserveInt64(bytes, each.BytesIn, of(attrDirection.String("in")))
			to.ObserveInt64(bytes, each.BytesOut, of(attrDirection.String("out")))
			to.ObserveInt64(cancelled, each.Cancelled, of())
			to.ObserveInt64(running, each.Running, of())
		}
		to.ObserveInt64(records, gocore.RecordsDropped())
		to.ObserveInt64(spans, gocore.SpansDropped())
		to.ObserveInt64(waiting, queued.Load())
		to.ObserveInt64(heap, read([]string{readHeap}).whole(readHeap))
		return nil
	}, calls, bytes, cancelled, records, spans, running, waiting, heap)
	return errors.Join(append(failed[:], err)...)
}

// Count is how many calls of a function have ended.
type Count struct {
	// Function by its name.
	Function string
	// Calls that have ended.
	Calls int64
}

// CountCalls gives how many calls have ended since it, or a collection, ran first.
func CountCalls(context.Context, struct{}) ([]Count, error) {
	gocore.StartMetering()
	found := []Count{}
	for _, each := range gocore.ReadMeters() {
		found = append(found, Count{each.Function, each.Calls})
	}
	return found, nil
}
