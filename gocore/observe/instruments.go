package observe

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
)

// instrumentID is what makes two instruments of a meter the same one.
type instrumentID struct{ kind, name, unit, description string }

// describedInstrument is what all configurations of instruments say.
type describedInstrument interface {
	Unit() string
	Description() string
}

// instrumentOf gives the instrument of a meter that is described so, made now if there was none: a
// package may ask for it at each request.
func instrumentOf[T any](m *meter, kind, name string, c describedInstrument, made func(metric.Meter) (T, error)) (*parts[T], error) {
	id := instrumentID{kind, name, c.Unit(), c.Description()}
	if known, found := m.made.Load(id); found {
		return known.(*parts[T]), nil
	}
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	if known, found := m.made.Load(id); found {
		return known.(*parts[T]), nil
	}
	of := &parts[T]{make: func(m *meter, r *metricReader) (T, error) { return made(m.at(r)) }}
	m.made.Store(id, of)
	return of, m.add(of)
}

// adder is an instrument that is added to.
type adder[N any] interface {
	Add(ctx context.Context, n N, options ...metric.AddOption)
	Enabled(ctx context.Context) bool
}

// recorder is one that values are recorded with.
type recorder[N any] interface {
	Record(ctx context.Context, n N, options ...metric.RecordOption)
	Enabled(ctx context.Context) bool
}

// adding adds for all readers.
type adding[N any, T adder[N]] struct{ *parts[T] }

// Add implements the instruments of package metric.
func (a adding[N, T]) Add(ctx context.Context, n N, options ...metric.AddOption) {
	for _, each := range a.all() {
		each.made.Add(ctx, n, options...)
	}
}

// Enabled implements the instruments of package metric.
func (a adding[N, T]) Enabled(ctx context.Context) bool {
	for _, each := range a.all() {
		if each.made.Enabled(ctx) {
			return true
		}
	}
	return false
}

// recording records for all readers.
type recording[N any, T recorder[N]] struct{ *parts[T] }

// Record implements the instruments of package metric.
func (r recording[N, T]) Record(ctx context.Context, n N, options ...metric.RecordOption) {
	for _, each := range r.all() {
		each.made.Record(ctx, n, options...)
	}
}

// Enabled implements the instruments of package metric.
func (r recording[N, T]) Enabled(ctx context.Context) bool {
	for _, each := range r.all() {
		if each.made.Enabled(ctx) {
			return true
		}
	}
	return false
}

type (
	int64Counter struct {
		embedded.Int64Counter
		adding[int64, metric.Int64Counter]
	}
	int64UpDownCounter struct {
		embedded.Int64UpDownCounter
		adding[int64, metric.Int64UpDownCounter]
	}
	int64Histogram struct {
		embedded.Int64Histogram
		recording[int64, metric.Int64Histogram]
	}
	int64Gauge struct {
		embedded.Int64Gauge
		recording[int64, metric.Int64Gauge]
	}
	float64Counter struct {
		embedded.Float64Counter
		adding[float64, metric.Float64Counter]
	}
	float64UpDownCounter struct {
		embedded.Float64UpDownCounter
		adding[float64, metric.Float64UpDownCounter]
	}
	float64Histogram struct {
		embedded.Float64Histogram
		recording[float64, metric.Float64Histogram]
	}
	float64Gauge struct {
		embedded.Float64Gauge
		recording[float64, metric.Float64Gauge]
	}
)

// Int64Counter implements metric.Meter.
func (m *meter) Int64Counter(name string, options ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	of, err := instrumentOf(m, "int64 counter", name, metric.NewInt64CounterConfig(options...),
		func(at metric.Meter) (metric.Int64Counter, error) { return at.Int64Counter(name, options...) })
	return &int64Counter{adding: adding[int64, metric.Int64Counter]{of}}, err
}

// Int64UpDownCounter implements metric.Meter.
func (m *meter) Int64UpDownCounter(name string, options ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	of, err := instrumentOf(m, "int64 up-down counter", name, metric.NewInt64UpDownCounterConfig(options...),
		func(at metric.Meter) (metric.Int64UpDownCounter, error) {
			return at.Int64UpDownCounter(name, options...)
		})
	return &int64UpDownCounter{adding: adding[int64, metric.Int64UpDownCounter]{of}}, err
}

// Int64Histogram implements metric.Meter.
func (m *meter) Int64Histogram(name string, options ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	of, err := instrumentOf(m, "int64 histogram", name, metric.NewInt64HistogramConfig(options...),
		func(at metric.Meter) (metric.Int64Histogram, error) { return at.Int64Histogram(name, options...) })
	return &int64Histogram{recording: recording[int64, metric.Int64Histogram]{of}}, err
}

// Int64Gauge implements metric.Meter.
func (m *meter) Int64Gauge(name string, options ...metric.Int64GaugeOption) (metric.Int64Gauge, error) {
	of, err := instrumentOf(m, "int64 gauge", name, metric.NewInt64GaugeConfig(options...),
		func(at metric.Meter) (metric.Int64Gauge, error) { return at.Int64Gauge(name, options...) })
	return &int64Gauge{recording: recording[int64, metric.Int64Gauge]{of}}, err
}

// Float64Counter implements metric.Meter.
func (m *meter) Float64Counter(name string, options ...metric.Float64CounterOption) (metric.Float64Counter, error) {
	of, err := instrumentOf(m, "float64 counter", name, metric.NewFloat64CounterConfig(options...),
		func(at metric.Meter) (metric.Float64Counter, error) { return at.Float64Counter(name, options...) })
	return &float64Counter{adding: adding[float64, metric.Float64Counter]{of}}, err
}

// Float64UpDownCounter implements metric.Meter.
func (m *meter) Float64UpDownCounter(name string, options ...metric.Float64UpDownCounterOption) (metric.Float64UpDownCounter, error) {
	of, err := instrumentOf(m, "float64 up-down counter", name, metric.NewFloat64UpDownCounterConfig(options...),
		func(at metric.Meter) (metric.Float64UpDownCounter, error) {
			return at.Float64UpDownCounter(name, options...)
		})
	return &float64UpDownCounter{adding: adding[float64, metric.Float64UpDownCounter]{of}}, err
}

// Float64Histogram implements metric.Meter.
func (m *meter) Float64Histogram(name string, options ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	of, err := instrumentOf(m, "float64 histogram", name, metric.NewFloat64HistogramConfig(options...),
		func(at metric.Meter) (metric.Float64Histogram, error) { return at.Float64Histogram(name, options...) })
	return &float64Histogram{recording: recording[float64, metric.Float64Histogram]{of}}, err
}

// Float64Gauge implements metric.Meter.
func (m *meter) Float64Gauge(name string, options ...metric.Float64GaugeOption) (metric.Float64Gauge, error) {
	of, err := instrumentOf(m, "float64 gauge", name, metric.NewFloat64GaugeConfig(options...),
		func(at metric.Meter) (metric.Float64Gauge, error) { return at.Float64Gauge(name, options...) })
	return &float64Gauge{recording: recording[float64, metric.Float64Gauge]{of}}, err
}
