package observe

import (
	"context"
	"errors"
	"slices"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
)

// observedBy is an asynchronous instrument, which is another one for each reader.
type observedBy interface {
	of(r *metricReader) metric.Observable // nil: none
}

// observed is what all asynchronous instruments are.
type observed[T metric.Observable] struct{ *parts[T] }

func (o observed[T]) of(r *metricReader) metric.Observable {
	if made, found := o.at(r); found {
		return made
	}
	return nil
}

// observableOf is instrumentOf for an asynchronous instrument. One with callbacks is another one each
// time, as all of those are called.
func observableOf[T metric.Observable](m *meter, kind, name string, c describedInstrument, callbacks int, made func(metric.Meter) (T, error)) (observed[T], error) {
	if callbacks == 0 {
		of, err := instrumentOf(m, kind, name, c, made)
		return observed[T]{of}, err
	}
	of := &parts[T]{make: func(m *meter, r *metricReader) (T, error) { return made(m.at(r)) }}
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	return observed[T]{of}, m.add(of)
}

type (
	int64ObservableCounter struct {
		embedded.Int64ObservableCounter
		metric.Int64Observable
		observed[metric.Int64ObservableCounter]
	}
	int64ObservableUpDownCounter struct {
		embedded.Int64ObservableUpDownCounter
		metric.Int64Observable
		observed[metric.Int64ObservableUpDownCounter]
	}
	int64ObservableGauge struct {
		embedded.Int64ObservableGauge
		metric.Int64Observable
		observed[metric.Int64ObservableGauge]
	}
	float64ObservableCounter struct {
		embedded.Float64ObservableCounter
		metric.Float64Observable
		observed[metric.Float64ObservableCounter]
	}
	float64ObservableUpDownCounter struct {
		embedded.Float64ObservableUpDownCounter
		metric.Float64Observable
		observed[metric.Float64ObservableUpDownCounter]
	}
	float64ObservableGauge struct {
		embedded.Float64ObservableGauge
		metric.Float64Observable
		observed[metric.Float64ObservableGauge]
	}
)

// Int64ObservableCounter implements metric.Meter.
func (m *meter) Int64ObservableCounter(name string, options ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	c := metric.NewInt64ObservableCounterConfig(options...)
	of, err := observableOf(m, "int64 observable counter", name, c, len(c.Callbacks()),
		func(at metric.Meter) (metric.Int64ObservableCounter, error) {
			return at.Int64ObservableCounter(name, options...)
		})
	return &int64ObservableCounter{observed: of}, err
}

// Int64ObservableUpDownCounter implements metric.Meter.
func (m *meter) Int64ObservableUpDownCounter(name string, options ...metric.Int64ObservableUpDownCounterOption) (metric.Int64ObservableUpDownCounter, error) {
	c := metric.NewInt64ObservableUpDownCounterConfig(options...)
	of, err := observableOf(m, "int64 observable up-down counter", name, c, len(c.Callbacks()),
		func(at metric.Meter) (metric.Int64ObservableUpDownCounter, error) {
			return at.Int64ObservableUpDownCounter(name, options...)
		})
	return &int64ObservableUpDownCounter{observed: of}, err
}

// Int64ObservableGauge implements metric.Meter.
func (m *meter) Int64ObservableGauge(name string, options ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	c := metric.NewInt64ObservableGaugeConfig(options...)
	of, err := observableOf(m, "int64 observable gauge", name, c, len(c.Callbacks()),
		func(at metric.Meter) (metric.Int64ObservableGauge, error) {
			return at.Int64ObservableGauge(name, options...)
		})
	return &int64ObservableGauge{observed: of}, err
}

// Float64ObservableCounter implements metric.Meter.
func (m *meter) Float64ObservableCounter(name string, options ...metric.Float64ObservableCounterOption) (metric.Float64ObservableCounter, error) {
	c := metric.NewFloat64ObservableCounterConfig(options...)
	of, err := observableOf(m, "float64 observable counter", name, c, len(c.Callbacks()),
		func(at metric.Meter) (metric.Float64ObservableCounter, error) {
			return at.Float64ObservableCounter(name, options...)
		})
	return &float64ObservableCounter{observed: of}, err
}

// Float64ObservableUpDownCounter implements metric.Meter.
func (m *meter) Float64ObservableUpDownCounter(name string, options ...metric.Float64ObservableUpDownCounterOption) (metric.Float64ObservableUpDownCounter, error) {
	c := metric.NewFloat64ObservableUpDownCounterConfig(options...)
	of, err := observableOf(m, "float64 observable up-down counter", name, c, len(c.Callbacks()),
		func(at metric.Meter) (metric.Float64ObservableUpDownCounter, error) {
			return at.Float64ObservableUpDownCounter(name, options...)
		})
	return &float64ObservableUpDownCounter{observed: of}, err
}

// Float64ObservableGauge implements metric.Meter.
func (m *meter) Float64ObservableGauge(name string, options ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	c := metric.NewFloat64ObservableGaugeConfig(options...)
	of, err := observableOf(m, "float64 observable gauge", name, c, len(c.Callbacks()),
		func(at metric.Meter) (metric.Float64ObservableGauge, error) {
			return at.Float64ObservableGauge(name, options...)
		})
	return &float64ObservableGauge{observed: of}, err
}

// registered is a callback, which is registered with each reader.
type registered struct {
	embedded.Registration
	*parts[metric.Registration]
	at *meter
}

// RegisterCallback implements metric.Meter.
func (m *meter) RegisterCallback(f metric.Callback, instruments ...metric.Observable) (metric.Registration, error) {
	of := make([]observedBy, 0, len(instruments))
	for _, each := range instruments {
		made, isOurs := each.(observedBy)
		if !isOurs {
			return nil, errors.New("an instrument is not of this meter provider")
		}
		of = append(of, made)
	}
	made := &registered{at: m, parts: &parts[metric.Registration]{make: func(m *meter, r *metricReader) (metric.Registration, error) {
		theirs := make([]metric.Observable, 0, len(of))
		for _, each := range of {
			if one := each.of(r); one != nil {
				theirs = append(theirs, one)
			}
		}
		return m.at(r).RegisterCallback(func(ctx context.Context, to metric.Observer) error {
			return f(ctx, observerFor{to: to, reader: r})
		}, theirs...)
	}}}
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	return made, m.add(made)
}

// Unregister implements metric.Registration.
func (c *registered) Unregister() (failed error) {
	c.at.of.mu.Lock()
	defer c.at.of.mu.Unlock()
	c.at.all = slices.DeleteFunc(c.at.all, func(each follower) bool { return each == follower(c) })
	for _, each := range c.all() {
		failed = errors.Join(failed, each.made.Unregister())
	}
	c.now.Store(nil)
	return failed
}

// observerFor is what a callback observes with, for one reader.
type observerFor struct {
	embedded.Observer
	to     metric.Observer
	reader *metricReader
}

// ObserveInt64 implements metric.Observer.
func (o observerFor) ObserveInt64(of metric.Int64Observable, value int64, options ...metric.ObserveOption) {
	if ours, is := of.(observedBy); is {
		if theirs, is := ours.of(o.reader).(metric.Int64Observable); is {
			o.to.ObserveInt64(theirs, value, options...)
		}
	}
}

// ObserveFloat64 implements metric.Observer.
func (o observerFor) ObserveFloat64(of metric.Float64Observable, value float64, options ...metric.ObserveOption) {
	if ours, is := of.(observedBy); is {
		if theirs, is := ours.of(o.reader).(metric.Float64Observable); is {
			o.to.ObserveFloat64(theirs, value, options...)
		}
	}
}
