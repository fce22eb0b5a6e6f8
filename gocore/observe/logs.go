package observe

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gostitch/gostitch/gocore"
	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/embedded"
	"go.opentelemetry.io/otel/sdk/instrumentation"
)

// LogConfig is what Python's logger provider says.
type LogConfig struct {
	// Records says that it takes log records.
	Records bool
}

// loggers is the library's global logger provider, for what is logged through OpenTelemetry's API
// (otelslog, say). It hands records to Python's logger provider, where there is one. Its twin is
// python/gostitch/observe/_entries.py.
type loggers struct {
	embedded.LoggerProvider
	records atomic.Bool // Python takes them
}

// Logger implements log.LoggerProvider.
func (l *loggers) Logger(name string, options ...log.LoggerOption) log.Logger {
	c := log.NewLoggerConfig(options...)
	return &logger{of: l, scope: appendScope(nil, instrumentation.Scope{
		Name: name, Version: c.InstrumentationVersion(), SchemaURL: c.SchemaURL(), Attributes: c.InstrumentationAttributes(),
	})}
}

type logger struct {
	embedded.Logger
	of    *loggers
	scope []byte // as it crosses
}

// Enabled implements log.Logger.
func (l *logger) Enabled(context.Context, log.EnabledParameters) bool { return l.of.records.Load() }

// Emit implements log.Logger. The frame is [time, time of observation, severity, its text, body,
// attributes, name of the event, scope, id of the caller's span in hexadecimal digits, trace context as
// lines]; times are in ns, 0 where they are not known.
func (l *logger) Emit(ctx context.Context, r log.Record) {
	if !l.of.records.Load() || !gocore.HostHasRoom() {
		return
	}
	out := msgp.AppendArrayHeader(nil, 10)
	out = msgp.AppendInt64(out, nanoseconds(r.Timestamp()))
	observed := r.ObservedTimestamp()
	if observed.IsZero() {
		observed = time.Now()
	}
	out = msgp.AppendInt64(out, nanoseconds(observed))
	out = msgp.AppendInt(out, int(r.Severity()))
	out = codec.AppendString(out, r.SeverityText())
	out = appendValue(out, r.Body())
	out = appendAttributes(out, recordAttributes(&r))
	out = codec.AppendString(out, r.EventName())
	out = append(out, l.scope...)
	out = codec.AppendString(out, gocore.CallerOf(ctx))
	out = codec.AppendString(out, gocore.TraceOf(ctx).Lines())
	gocore.PushHost(gocore.RecordEntry, out)
}

func nanoseconds(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixNano()
}

// recordAttributes are those of a record, and what it says of an error where that is not among them.
func recordAttributes(r *log.Record) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, r.AttributesLen())
	known := map[attribute.Key]bool{}
	r.WalkAttributes(func(a attribute.KeyValue) bool {
		out = append(out, a)
		known[a.Key] = true
		return true
	})
	err := r.Err()
	if err == nil {
		return out
	}
	for _, a := range exception(err) {
		if !known[a.Key] {
			out = append(out, a)
		}
	}
	return out
}
