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

// callInstruments are what is measured of calls.
type callInstruments struct {
	duration, cancel metric.Float64Histogram
	of               sync.Map // *gocore.Function -> *functionOptions
}

// functionOptions are attributes of a function's measurements, made once.
type functionOptions struct {
	done   []metric.RecordOption
	failed sync.Map // type of the error -> []metric.RecordOption
}

// durationBounds are in seconds; calls of Go take less than those that the conventions have bounds for.
var durationBounds = []float64{
	0.00001, 0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
}

func newCallInstruments(meter metric.Meter) (*callInstruments, error) {
	made, failed := &callInstruments{}, [3]error{}
	made.duration, failed[0] = meter.Float64Histogram("gostitch.call.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of calls."), metric.WithExplicitBucketBoundaries(durationBounds...))
	made.cancel, failed[1] = meter.Float64Histogram("gostitch.cancel.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from the end of a call's context to that of the call."), metric.WithExplicitBucketBoundaries(durationBounds...))
	failed[2] = observeCalls(meter)
	return made, errors.Join(failed[:]...)
}

func (c *callInstruments) optionsOf(f *gocore.Function) *functionOptions {
	if known, found := c.of.Load(f); found {
		return known.(*functionOptions)
	}
	made, _ := c.of.LoadOrStore(f, &functionOptions{done: withAttributes(AttrCallee.String(f.Name))})
	return made.(*functionOptions)
}

func (o *functionOptions) withError(kind string, f *gocore.Function) []metric.RecordOption {
	if known, found := o.failed.Load(kind); found {
		return known.([]metric.RecordOption)
	}
	made, _ := o.failed.LoadOrStore(kind, withAttributes(AttrCallee.String(f.Name), attrErrorType.String(kind)))
	return made.([]metric.RecordOption)
}

func withAttributes(all ...attribute.KeyValue) []metric.RecordOption {
	return []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(all...))}
}

// Measured implements gocore.Observer.
func (o *Observer) Measured(ctx context.Context, f *gocore.Function, m gocore.Measurement) {
	of := o.measured.Load()
	if of == nil || strings.HasPrefix(f.Name, ownFunctions) {
		return
	}
	known := of.optionsOf(f)
	options := known.done
	if m.ErrorType != "" {
		options = known.withError(m.ErrorType, f)
	}
	of.duration.Record(ctx, m.Took.Seconds(), options...)
	if m.Lagged >= 0 {
		of.cancel.Record(ctx, m.Lagged.Seconds(), known.done...)
	}
}

// observeCalls makes the instruments that tell of what the core counts.
func observeCalls(meter metric.Meter) error {
	var failed [7]error
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
		return nil
	}, calls, bytes, cancelled, records, spans, running, waiting)
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
