package observe

import (
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	"go.opentelemetry.io/otel/sdk/instrumentation"
)

// meters is the global meter provider of the library. It is there from the start and stays; its
// instruments record for each reader that Python's meter provider has at the moment, so one that a
// package took in a variable follows Python's provider as well. For nobody they record nothing.
type meters struct {
	embedded.MeterProvider
	readers atomic.Pointer[[]*metricReader] // replaced under mu, never changed

	known sync.Map   // instrumentation.Scope -> *meter
	mu    sync.Mutex // taken before the locks of the SDK, so callbacks must find what is known without it
}

var processMeters = &meters{}

// Meter implements metric.MeterProvider.
func (p *meters) Meter(name string, options ...metric.MeterOption) metric.Meter {
	c := metric.NewMeterConfig(options...)
	scope := instrumentation.Scope{
		Name:       name,
		Version:    c.InstrumentationVersion(),
		SchemaURL:  c.SchemaURL(),
		Attributes: c.InstrumentationAttributes(),
	}
	if known, found := p.known.Load(scope); found {
		return known.(*meter)
	}
	made, _ := p.known.LoadOrStore(scope, &meter{of: p, name: name, options: options})
	return made.(*meter)
}

// now gives the readers that there are.
func (p *meters) now() []*metricReader {
	if readers := p.readers.Load(); readers != nil {
		return *readers
	}
	return nil
}

// reader gives the one with a number; nil if there is none.
func (p *meters) reader(number int64) *metricReader {
	for _, r := range p.now() {
		if r.number == number {
			return r
		}
	}
	return nil
}

// use has all instruments record for these readers from now on. What they have recorded for those
// that stay is kept.
func (p *meters) use(readers []*metricReader) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers.Store(&readers)
	p.known.Range(func(_, each any) bool {
		m := each.(*meter)
		for _, one := range m.all {
			if err := one.follow(m, readers); err != nil {
				otel.Handle(err)
			}
		}
		return true
	})
}

// meter is one of meters'.
type meter struct {
	embedded.Meter
	of      *meters
	name    string
	options []metric.MeterOption
	made    sync.Map   // instrumentID -> *parts
	all     []follower // guarded by of.mu
}

// at gives the meter of a reader.
func (m *meter) at(r *metricReader) metric.Meter { return r.provider.Meter(m.name, m.options...) }

// follower is what has a part for each reader.
type follower interface {
	// follow makes the parts for new readers, and forgets those for others; of.mu is held.
	follow(m *meter, readers []*metricReader) error
}

// add has something follow the readers, those that there are included.
func (m *meter) add(f follower) error {
	m.all = append(m.all, f)
	return f.follow(m, m.of.now())
}

// part is what one reader has of something.
type part[T any] struct {
	of   *metricReader
	made T
}

// parts are those of all readers.
type parts[T any] struct {
	make func(*meter, *metricReader) (T, error)
	now  atomic.Pointer[[]part[T]] // nil: none
}

// all gives them.
func (p *parts[T]) all() []part[T] {
	if now := p.now.Load(); now != nil {
		return *now
	}
	return nil
}

// at gives the one of a reader.
func (p *parts[T]) at(r *metricReader) (made T, found bool) {
	for _, each := range p.all() {
		if each.of == r {
			return each.made, true
		}
	}
	return made, false
}

func (p *parts[T]) follow(m *meter, readers []*metricReader) (failed error) {
	next := make([]part[T], 0, len(readers))
	for _, r := range readers {
		made, found := p.at(r)
		if !found {
			var err error
			if made, err = p.make(m, r); err != nil {
				failed = err
			}
			if any(made) == nil {
				continue
			}
		}
		next = append(next, part[T]{r, made})
	}
	p.now.Store(&next)
	return failed
}
