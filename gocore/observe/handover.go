package observe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gostitch/gostitch/gocore"
	"github.com/tinylib/msgp/msgp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// handover keeps finished spans until Python takes them, for the processors that it has. Those of
// a call come with its reply, or are taken before it returns if they are many, so that processors
// see them before what is above ends; for others Python is told after a delay, or when a batch
// waits. What Python has no room for stays here. Its twin is python/gostitch/observe/_handover.py.
type handover struct {
	limits limits
	with   describing             // without a resource, which spans get in Python
	next   atomic.Pointer[sender] // what has replaced this one

	mu     sync.Mutex
	queue  spanQueue   // guarded by mu
	told   bool        // guarded by mu: Python knows that spans wait, and has not looked since
	held   bool        // guarded by mu: Python has no room, so nothing goes with replies, and is told again
	waking *time.Timer // guarded by mu: nil unless Python is told later
}

func newHandover(with describing, l limits) *handover {
	return &handover{limits: l, with: with, queue: spanQueue{limit: l.queue}}
}

// OnEnd implements sender. It never waits.
func (h *handover) OnEnd(s sdktrace.ReadOnlySpan) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if next := h.next.Load(); next != nil {
		(*next).OnEnd(s)
		return
	}
	gocore.CountDroppedSpans(h.queue.add(s))
	if h.queue.waiting == h.limits.batch {
		h.tell()
	} else {
		h.tellLater()
	}
}

// tellLater has Python told after the delay; mu is held.
func (h *handover) tellLater() {
	if h.waking == nil {
		h.waking = time.AfterFunc(h.limits.delay, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.waking = nil
			h.tell()
		})
	}
}

// tell has Python take what waits; mu is held.
func (h *handover) tell() {
	if (h.queue.waiting > 0 || h.held) && !h.told {
		h.told = gocore.WakeHost(gocore.RecordSpans)
	}
}

const (
	frameSize = 512 // about what a span takes, to have room for it
	mostFew   = 16  // spans that go with a reply
)

// callSpans are those of a call's trace. It implements gocore.SpanSource.
type callSpans struct {
	at *handover
	of trace.TraceID
}

// TakeSpans gives an array of spans (appendSpan), or the id of the trace where they wait.
func (c *callSpans) TakeSpans(room int) []byte {
	h := c.at
	h.mu.Lock()
	defer h.mu.Unlock()
	batch := h.queue.of(c.of, mostFew+1)
	if len(batch) == 0 {
		return nil // Python was told, and faster
	}
	if len(batch) <= mostFew && !h.held {
		if message := h.frames(batch); len(message) <= room {
			h.queue.takeOf(c.of, mostFew)
			return message
		}
	}
	return msgp.AppendString(nil, c.of.String())
}

// frames writes an array of spans.
func (h *handover) frames(batch []sdktrace.ReadOnlySpan) []byte {
	out := msgp.AppendArrayHeader(make([]byte, 0, frameSize*(len(batch)+1)), uint32(len(batch)))
	for _, s := range h.with.describe(batch) {
		out = appendSpan(out, s)
	}
	return out
}

// Wanted says which spans Python takes.
type Wanted struct {
	// Of is the id of their trace in hexadecimal digits; empty: of any.
	Of string
	// Most spans to give; 0: there is no room, so others are not to come with replies either.
	Most int
}

// Taken are spans for Python.
type Taken struct {
	// Spans is an array of spans (appendSpan), in the order in which they ended.
	Spans []byte
	// Waiting spans that are left.
	Waiting int
}

// TakeSpans gives Python the spans that wait for its processors.
func TakeSpans(_ context.Context, w Wanted) (Taken, error) {
	t := process.traces.Load()
	if t == nil || t.handover == nil {
		return Taken{Spans: msgp.AppendArrayHeader(nil, 0)}, nil
	}
	var of trace.TraceID
	if w.Of != "" {
		var err error
		if of, err = trace.TraceIDFromHex(w.Of); err != nil {
			return Taken{}, err
		}
	}
	return t.handover.take(of, max(w.Most, 0)), nil
}

// take gives the oldest spans of a trace, or of all where that is not valid.
func (h *handover) take(of trace.TraceID, most int) Taken {
	h.mu.Lock()
	var batch []sdktrace.ReadOnlySpan
	if of.IsValid() {
		batch = h.queue.takeOf(of, most)
	} else {
		batch, h.told = h.queue.take(most), false
	}
	left := h.queue.waiting
	h.held = most == 0 || h.held && left > 0
	if (h.held || left > 0) && !h.told {
		h.tellLater()
	}
	h.mu.Unlock()
	return Taken{h.frames(batch), left}
}

// ForceFlush implements sender: it is Python that takes.
func (*handover) ForceFlush(context.Context) error { return nil }

// replaceBy implements sender: what Python has not taken waits for it at the next.
func (h *handover) replaceBy(_ context.Context, next sender) {
	h.mu.Lock()
	h.next.Store(&next)
	left := h.queue.take(h.queue.waiting)
	h.mu.Unlock()
	for _, s := range left {
		next.OnEnd(s)
	}
}

// awaitEnd implements sender: nothing is under way.
func (*handover) awaitEnd(context.Context) error { return nil }
