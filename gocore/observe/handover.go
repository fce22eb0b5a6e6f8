package observe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gostitch/gostitch/gocore"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Wanted says which spans Python takes.
type Wanted struct {
	// Of is the id of their trace in hexadecimal digits; empty: of any.
	Of string
	// Most spans to give.
	Most int
}

// Taken are spans for Python.
type Taken struct {
	// Frames of spans (appendSpan), in the order in which they ended.
	Frames [][]byte
	// Waiting spans that are left.
	Waiting int
}

// TakeSpans gives Python the spans that wait for its processors.
func TakeSpans(_ context.Context, w Wanted) (Taken, error) {
	t := process.traces.Load()
	if t == nil || t.handover == nil {
		return Taken{}, nil
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

// handover keeps finished spans until Python takes them, for the processors that it has. Those of
// a call are taken before it returns, so that processors see them before what is above ends; for
// others Python is told after a delay, or when a batch waits. What Python has no room for stays
// here. Its twin is python/gostitch/observe/_handover.py.
type handover struct {
	limits limits
	with   describing // without a resource, which spans get in Python
	next   atomic.Pointer[sender] // what has replaced this one

	mu     sync.Mutex
	queue  spanQueue   // guarded by mu
	told   bool        // guarded by mu: Python knows that spans wait, and has not looked since
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
	switch h.queue.waiting {
	case 1:
		h.tellLater()
	case h.limits.batch:
		h.tell()
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
	if h.queue.waiting > 0 && !h.told {
		h.told = gocore.WakeHost(gocore.RecordSpan)
	}
}

// take gives the oldest spans of a trace, or of all where that is not valid, as frames for Python.
func (h *handover) take(of trace.TraceID, most int) Taken {
	h.mu.Lock()
	var batch []sdktrace.ReadOnlySpan
	if of.IsValid() {
		batch = h.queue.takeOf(of, most)
	} else {
		batch, h.told = h.queue.take(most), false
	}
	if h.queue.waiting > 0 && !h.told {
		h.tellLater()
	}
	taken := Taken{Frames: make([][]byte, len(batch)), Waiting: h.queue.waiting}
	h.mu.Unlock()
	for i, s := range h.with.describe(batch) {
		taken.Frames[i] = appendSpan(nil, s)
	}
	return taken
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
