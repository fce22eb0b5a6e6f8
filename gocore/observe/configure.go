package observe

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel"
)

// Attribute is one attribute of Python's resource, its values as text.
type Attribute struct {
	// Key is the attribute's name.
	Key string
	// Kind is str, bool, int or float, or "list of" one of them.
	Kind string
	// Values as text; exactly one unless Kind is a list.
	Values []string
}

// SpanLimits say what a span may hold; -1: as much as there is.
type SpanLimits struct {
	// Attributes of a span.
	Attributes int
	// AttributeLength in characters, of texts.
	AttributeLength int
	// InnerLength is that of texts in attributes of events and links.
	InnerLength int
	// Events of a span.
	Events int
	// EventAttributes of each event.
	EventAttributes int
	// Links of a span.
	Links int
	// LinkAttributes of each link.
	LinkAttributes int
}

// TraceConfig is what Python's tracer provider says.
type TraceConfig struct {
	// Resource that every span belongs to, the same as Python's.
	Resource []Attribute
	// ResourceSchemaURL is the schema of the resource's attributes, or empty.
	ResourceSchemaURL string `gostitch:"resource_schema_url"`
	// Export says how spans leave: direct, from Go to the endpoint; python, through Python's
	// processors; ended, nowhere any more; off, none are made.
	Export string
	// Endpoint is host:port of the OTLP gRPC receiver.
	Endpoint string
	// Insecure is true for a connection without TLS.
	Insecure bool
	// Headers sent with each export, for authentication.
	Headers map[string]string
	// Certificates are the authorities to trust, in PEM form; empty: the system's.
	Certificates string
	// ClientCertificate is what the sender shows, in PEM form; empty: nothing.
	ClientCertificate string
	// ClientKey belongs to it.
	ClientKey string
	// ServerName is the name in the receiver's certificate; empty: the endpoint's.
	ServerName string
	// Gzip compresses what is sent.
	Gzip bool
	// TimeoutS bounds one export, in seconds.
	TimeoutS float64 `gostitch:"timeout_s"`
	// QueueSize is how many spans may wait; one more is dropped.
	QueueSize int
	// BatchSize is how many spans are sent at once.
	BatchSize int
	// DelayS is how long a span waits for company, in seconds.
	DelayS float64 `gostitch:"delay_s"`
	// Limits of what a span may hold.
	Limits SpanLimits
	// StartBaggage has spans that are handed to Python tell the baggage that they began
	// with. The limits of their attributes are then left to Python.
	StartBaggage bool
	// Samplers are Python's, first the provider's.
	Samplers []Sampler
	// Roots has calls outside of any span begin a trace.
	Roots bool
	// RequestSpans is how many HTTP requests of a call have a span of their own; others are summed.
	RequestSpans int
	// Exceptions says how errors of calls are told: empty, as events of spans; logs, as log records;
	// logs/dup, as both.
	Exceptions string
	// RandomIDs says that trace ids of Python are random, so Go makes its own; otherwise Python
	// hands over ids.
	RandomIDs bool `gostitch:"random_ids"`
}

// The ways of spans.
const (
	exportPython = "python"
	exportEnded  = "ended"
	exportOff    = "off"
)

// Config is the whole configuration; a nil part leaves that side as it is.
type Config struct {
	// Traces to export, or None.
	Traces *TraceConfig `gostitch:"traces,default=None"`
	// Sentry client to mirror, or None.
	Sentry *SentryConfig `gostitch:"sentry,default=None"`
	// Propagation says which headers requests carry, or None.
	Propagation *Propagation `gostitch:"propagation,default=None"`
	// Logs that go to Python's logger provider, or None.
	Logs *LogConfig `gostitch:"logs,default=None"`
	// Metrics that Python's meter provider collects, or None.
	Metrics *MetricConfig `gostitch:"metrics,default=None"`
}

// None is the result of a function that only acts.
type None struct{}

// FlushConfig has no settings: the timeout of the call bounds a flush.
type FlushConfig struct{}

var (
	process        = &Observer{}
	processLoggers = &loggers{}

	configure sync.Mutex
	// making is set while a provider is made: the SDK reads variables then, whatever it is given
	// instead, and complains of those that it cannot read.
	making atomic.Bool
)

func init() {
	gocore.SetObserver(process)
	// Nothing goes to standard error past Python's logging. What the SDK says of variables that
	// it cannot read, Python's has said, or was told explicitly otherwise.
	otel.SetLogger(logr.Discard())
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		if !making.Load() {
			slog.Warn(fmt.Sprintf("OpenTelemetry in Go: %v", err))
		}
	}))
	otel.SetTracerProvider(&delegate{observer: process})
	otel.SetTextMapPropagator(textMap{process})
	otel.SetLoggerProvider(processLoggers)
	otel.SetMeterProvider(processMeters)
	gocore.Register("observe.configure", Configure)
	gocore.Register("observe.describe_build", DescribeBuild)
	gocore.Register("observe.flush", Flush)
	gocore.Register("observe.collect_metrics", CollectMetrics)
	gocore.Register("observe.count_calls", CountCalls)
	gocore.Register("observe.take_spans", TakeSpans)
	gocore.Register("observe.add_ids", AddIDs)
	gocore.Register("observe.flush_events", FlushEvents)
	gocore.Register("observe.take_events", TakeEvents)
}

// Configure makes Go observe as Python does. Spans of an earlier configuration
// are sent before it is replaced.
func Configure(ctx context.Context, c Config) (None, error) {
	configure.Lock()
	defer configure.Unlock()
	// The goroutines that it starts outlive this call, so they must not be shown as it.
	pprof.SetGoroutineLabels(context.Background())
	if c.Traces != nil {
		requestSpans.Store(int64(c.Traces.RequestSpans))
		made, err := newTraces(ctx, *c.Traces)
		if err != nil {
			return None{}, err
		}
		process.follow(made)
	}
	if c.Propagation != nil {
		made, err := newPropagators(*c.Propagation)
		if err != nil {
			return None{}, err
		}
		process.propagation.Store(&made)
	}
	if c.Logs != nil {
		processLoggers.records.Store(c.Logs.Records)
	}
	if c.Metrics != nil {
		if err := useMetrics(*c.Metrics); err != nil {
			return None{}, err
		}
	}
	if c.Sentry != nil {
		made, err := newReporting(*c.Sentry)
		if err != nil {
			return None{}, err
		}
		process.bind(made)
	}
	return None{}, nil
}

// shutdownTimeout bounds the last export of a configuration that is replaced.
const shutdownTimeout = 5 * time.Second

// follow has spans go another way from now on; nil: none are made.
func (o *Observer) follow(made *traces) {
	before := o.traces.Load()
	if before != nil {
		o.former.Store(before.sender, nil)
	}
	o.traces.Store(made)
	if before != nil {
		// Its spans are Python's to wait for no longer than for its own: at a flush.
		go o.replace(before, made)
	}
}

func (o *Observer) replace(before, now *traces) {
	ctx, stop := context.WithTimeout(context.Background(), shutdownTimeout)
	defer stop()
	next := sender(nowhere{})
	if now != nil {
		next = now.sender
	}
	before.sender.replaceBy(ctx, next)
	o.former.Delete(before.sender)
}

// Flush sends the spans and events that are buffered and waits for it, at most
// until the call's timeout; false if some could not be sent.
//
//gostitch:long
func Flush(ctx context.Context, _ FlushConfig) (bool, error) {
	sent := process.flush(ctx)
	return sent, ctx.Err()
}
