package gocore

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
)

// hostQueue takes the records that belong to no call.
var hostQueue atomic.Pointer[Queue]

// recordsDropped counts host records that found no queue or no room.
var recordsDropped atomic.Int64

// hostQueueSize bounds the host records that wait while Python is busy; a
// log storm must not become a memory leak.
const hostQueueSize = 8192

// hostQueueBytes bounds the large ones of them together; hostLarge is from when on a record is one.
const (
	hostQueueBytes = 64 << 20
	hostLarge      = 4 << 10
)

// logFrame is about what a log record takes as it crosses, to have room for it.
const logFrame = 512

// hostBytes are those of the large records that wait.
var hostBytes atomic.Int64

// SetHostQueue says where spans and logs go; nil drops (and counts) them.
func SetHostQueue(q *Queue) { hostQueue.Store(q) }

// RecordsDropped gives how many host records found no queue or no room.
func RecordsDropped() int64 { return recordsDropped.Load() }

// Why something was not queued for Python.
var (
	ErrNobody = errors.New("nobody in Python takes records any more")
	ErrNoRoom = errors.New("too many records wait for Python")
)

// PushHost queues a host record, or counts it as dropped.
func PushHost(kind RecordKind, payload []byte) {
	if pushTo(hostQueue.Load(), Record{Kind: kind, Payload: payload}) != nil {
		recordsDropped.Add(1)
	}
}

// HostHasRoom tells whether a host record would be queued now, and counts it as dropped if not: what
// nobody gets need not be written.
func HostHasRoom() bool {
	q := hostQueue.Load()
	if q != nil && q.Len() < hostQueueSize {
		return true
	}
	recordsDropped.Add(1)
	return false
}

// WakeHost tells Python that there is something to take, and says whether it will come to know.
func WakeHost(kind RecordKind) bool { return pushTo(hostQueue.Load(), Record{Kind: kind}) == nil }

// pushTo queues a record that no call waits for, or says why it cannot.
func pushTo(q *Queue, record Record) error {
	if q == nil {
		return ErrNobody
	}
	n := int64(len(record.Payload))
	if q.Len() >= hostQueueSize || n >= hostLarge && hostBytes.Load()+n > hostQueueBytes {
		return ErrNoRoom
	}
	if n >= hostLarge {
		hostBytes.Add(n)
		record.taken = func() { hostBytes.Add(-n) }
	}
	if !q.push(record) {
		return ErrNobody
	}
	return nil
}

// LogHandler sends the records of slog to Python's logging. It is the default
// handler of a library loaded by Python. It takes no lock that Python could
// hold and never waits.
type LogHandler struct {
	level  *slog.LevelVar
	groups string // "group." for each open group
	fixed  []slog.Attr
}

// NewLogHandler makes a handler that passes records of at least the level.
func NewLogHandler(level *slog.LevelVar) *LogHandler { return &LogHandler{level: level} }

// Enabled implements slog.Handler.
func (h *LogHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle implements slog.Handler. The frame is [time in ns, level, message, {attribute: value}, [the
// Go function that logs, file, line], function of the call, id of the caller's span in hexadecimal
// digits, trace context as lines]; what is not known is empty.
func (h *LogHandler) Handle(ctx context.Context, r slog.Record) error {
	if !HostHasRoom() {
		return nil
	}
	out := msgp.AppendArrayHeader(make([]byte, 0, logFrame), 8)
	at := r.Time
	if at.IsZero() { // slog: then it is not known
		at = time.Now()
	}
	out = msgp.AppendInt64(out, at.UnixNano())
	out = msgp.AppendInt(out, int(r.Level))
	out = codec.AppendString(out, r.Message)
	attrs := make(map[string]any, len(h.fixed)+r.NumAttrs())
	for _, a := range h.fixed {
		attrs[a.Key] = a.Value.Resolve().Any()
	}
	r.Attrs(func(a slog.Attr) bool {
		flatten(attrs, h.groups, a)
		return true
	})
	explainErrors(attrs)
	out = appendDetails(out, attrs)
	out = appendSource(out, r.PC)
	name := ""
	if c := CallFrom(ctx); c != nil {
		name = c.Function.Name
	}
	out = codec.AppendString(out, name)
	out = codec.AppendString(out, CallerOf(ctx))
	PushHost(RecordLog, codec.AppendString(out, TraceOf(ctx).Lines()))
	return nil
}

// errorKeys are what attributes with the error that a record tells of are called.
var errorKeys = []string{"error", "err"}

// explainErrors has an error be what OpenTelemetry calls an exception.
func explainErrors(attrs map[string]any) {
	for _, key := range errorKeys {
		err, isError := attrs[key].(error)
		if !isError || err == nil {
			continue
		}
		delete(attrs, key)
		err = Finite(err)
		attrs["exception.type"], attrs["exception.message"] = TypeOf(UsefulError(err)), MessageOf(err)
		if stack := StackOf(err); len(stack) > 0 {
			attrs["exception.stacktrace"] = FormatStack(stack)
		}
		return
	}
}

// sources are the places that log, as they cross, by their program counters: as many as the program has.
var sources sync.Map // uintptr -> []byte

// appendSource writes [function, file, line] of the place that logs.
func appendSource(out []byte, pc uintptr) []byte {
	if known, found := sources.Load(pc); found {
		return append(out, known.([]byte)...)
	}
	var frame runtime.Frame
	if pc != 0 {
		frame, _ = runtime.CallersFrames([]uintptr{pc}).Next()
	}
	source := msgp.AppendArrayHeader(nil, 3)
	source = codec.AppendString(source, frame.Function)
	source = codec.AppendString(source, frame.File)
	source = msgp.AppendInt(source, frame.Line)
	sources.Store(pc, source)
	return append(out, source...)
}

// WithAttrs implements slog.Handler.
func (h *LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	flat := map[string]any{}
	for _, a := range attrs {
		flatten(flat, h.groups, a)
	}
	c := *h
	c.fixed = append(make([]slog.Attr, 0, len(h.fixed)+len(flat)), h.fixed...)
	for _, key := range sortedKeys(flat) {
		c.fixed = append(c.fixed, slog.Any(key, flat[key]))
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *LogHandler) WithGroup(name string) slog.Handler {
	c := *h
	if name != "" {
		c.groups = h.groups + name + "."
	}
	return &c
}

// flatten writes an attribute, groups as dotted keys.
func flatten(into map[string]any, prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		into[prefix+a.Key] = value.Any()
		return
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, member := range value.Group() {
		flatten(into, prefix, member)
	}
}
