package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
)

// What a program of python/tests/observe/measurements.py measures, as it says it in JSON.
type (
	measured struct {
		Round       int
		Scopes      []scope
		Instruments []instrument
	}
	instrument struct {
		Scope                   int
		Kind                    string
		Float                   bool
		Name, Unit, Description string
		Bounds                  []float64
		Records                 []record
	}
	record struct {
		Value      json.Number
		Attributes values
	}
)

// measuredRound is which round of programs it is: observed values grow with it.
var measuredRound atomic.Int64

// MeasureArgs have a program.
type MeasureArgs struct {
	// Program in JSON.
	Program string
}

// Measure makes the instruments of a program, and records with them.
func Measure(ctx context.Context, a MeasureArgs) (None, error) {
	var p measured
	if err := json.Unmarshal([]byte(a.Program), &p); err != nil {
		return None{}, err
	}
	measuredRound.Store(int64(p.Round))
	for i := range p.Instruments {
		of := p.Scopes[p.Instruments[i].Scope]
		meter := otel.Meter(of.Name, metric.WithInstrumentationVersion(of.Version), metric.WithSchemaURL(of.Schema), metric.WithInstrumentationAttributes(of.Attributes.all()...))
		if err := p.Instruments[i].measure(ctx, meter, p.Round); err != nil {
			return None{}, err
		}
	}
	return None{}, nil
}

func (r record) whole() int64 {
	n, err := strconv.ParseInt(r.Value.String(), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func (r record) fraction() float64 {
	n, err := r.Value.Float64()
	if err != nil {
		panic(err)
	}
	return n
}

func (r record) attributes() metric.MeasurementOption {
	return metric.WithAttributes(r.Attributes.all()...)
}

// measure makes the instrument and records with it; what is observed is made in the first round alone.
func (i instrument) measure(ctx context.Context, meter metric.Meter, round int) error {
	if strings.HasPrefix(i.Kind, "observable") {
		if round > 0 {
			return nil
		}
		return i.observe(meter)
	}
	note, err := i.recorder(meter)
	if err != nil {
		return err
	}
	for _, r := range i.Records {
		note(ctx, r)
	}
	return nil
}

func (i instrument) recorder(meter metric.Meter) (func(context.Context, record), error) {
	unit, about := metric.WithUnit(i.Unit), metric.WithDescription(i.Description)
	bounds := metric.WithExplicitBucketBoundaries(i.Bounds...)
	switch i.key() {
	case "int counter":
		made, err := meter.Int64Counter(i.Name, unit, about)
		return func(ctx context.Context, r record) { made.Add(ctx, r.whole(), r.attributes()) }, err
	case "float counter":
		made, err := meter.Float64Counter(i.Name, unit, about)
		return func(ctx context.Context, r record) { made.Add(ctx, r.fraction(), r.attributes()) }, err
	case "int up_down_counter":
		made, err := meter.Int64UpDownCounter(i.Name, unit, about)
		return func(ctx context.Context, r record) { made.Add(ctx, r.whole(), r.attributes()) }, err
	case "float up_down_counter":
		made, err := meter.Float64UpDownCounter(i.Name, unit, about)
		return func(ctx context.Context, r record) { made.Add(ctx, r.fraction(), r.attributes()) }, err
	case "int gauge":
		made, err := meter.Int64Gauge(i.Name, unit, about)
		return func(ctx context.Context, r record) { made.Record(ctx, r.whole(), r.attributes()) }, err
	case "float gauge":
		made, err := meter.Float64Gauge(i.Name, unit, about)
		return func(ctx context.Context, r record) { made.Record(ctx, r.fraction(), r.attributes()) }, err
	case "int histogram":
		made, err := meter.Int64Histogram(i.Name, unit, about, bounds)
		return func(ctx context.Context, r record) { made.Record(ctx, r.whole(), r.attributes()) }, err
	case "float histogram":
		made, err := meter.Float64Histogram(i.Name, unit, about, bounds)
		return func(ctx context.Context, r record) { made.Record(ctx, r.fraction(), r.attributes()) }, err
	}
	return nil, fmt.Errorf("unknown kind %q", i.Kind)
}

func (i instrument) key() string {
	if i.Float {
		return "float " + i.Kind
	}
	return "int " + i.Kind
}

// observe makes an instrument that is observed. The callback of a gauge is an option, others are registered.
func (i instrument) observe(meter metric.Meter) (err error) {
	unit, about := metric.WithUnit(i.Unit), metric.WithDescription(i.Description)
	var whole metric.Int64Observable
	var fraction metric.Float64Observable
	switch i.key() {
	case "int observable_gauge":
		_, err = meter.Int64ObservableGauge(i.Name, unit, about, metric.WithInt64Callback(func(_ context.Context, to metric.Int64Observer) error {
			i.each(func(r record, times int64) { to.Observe(r.whole()*times, r.attributes()) })
			return nil
		}))
		return err
	case "float observable_gauge":
		_, err = meter.Float64ObservableGauge(i.Name, unit, about, metric.WithFloat64Callback(func(_ context.Context, to metric.Float64Observer) error {
			i.each(func(r record, times int64) { to.Observe(r.fraction()*float64(times), r.attributes()) })
			return nil
		}))
		return err
	case "int observable_counter":
		whole, err = meter.Int64ObservableCounter(i.Name, unit, about)
	case "float observable_counter":
		fraction, err = meter.Float64ObservableCounter(i.Name, unit, about)
	case "int observable_up_down_counter":
		whole, err = meter.Int64ObservableUpDownCounter(i.Name, unit, about)
	case "float observable_up_down_counter":
		fraction, err = meter.Float64ObservableUpDownCounter(i.Name, unit, about)
	}
	if err != nil {
		return err
	}
	of := metric.Observable(whole)
	if i.Float {
		of = fraction
	}
	_, err = meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		i.each(func(r record, times int64) {
			if i.Float {
				to.ObserveFloat64(fraction, r.fraction()*float64(times), r.attributes())
			} else {
				to.ObserveInt64(whole, r.whole()*times, r.attributes())
			}
		})
		return nil
	}, of)
	return err
}

// each gives the records, and by what their values have grown in this round.
func (i instrument) each(do func(r record, times int64)) {
	for _, r := range i.Records {
		do(r, 1+measuredRound.Load())
	}
}

// ObserveSlowlyArgs say how slowly.
type ObserveSlowlyArgs struct {
	// Seconds that the first observation takes.
	Seconds float64
}

// ObserveSlowly makes an instrument, and counts one more: "slow.count" has one for each call.
func ObserveSlowly(ctx context.Context, a ObserveSlowlyArgs) (None, error) {
	meter := otel.Meter("slow")
	count, err := meter.Int64Counter("slow.count")
	if err != nil {
		return None{}, err
	}
	count.Add(ctx, 1)
	var once sync.Once
	_, err = meter.Int64ObservableGauge("slow.gauge", metric.WithInt64Callback(func(_ context.Context, to metric.Int64Observer) error {
		once.Do(func() { time.Sleep(time.Duration(a.Seconds * float64(time.Second))) })
		to.Observe(1)
		return nil
	}))
	return None{}, err
}

// Measures tells whether an instrument that a package may have records for anybody.
func Measures(ctx context.Context, _ struct{}) (bool, error) {
	counter, err := otel.Meter("measures").Float64Counter("measures.count")
	if err != nil {
		return false, err
	}
	counter.Add(ctx, 1)
	return counter.Enabled(ctx), nil
}
