package gocore

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
	"weak"

	"golang.org/x/sys/unix"
)

// Running describes a call that is being run.
type Running struct {
	// Function that runs.
	Function string
	// Age since the call came over the boundary, to some milliseconds.
	Age time.Duration
	// TraceID of the caller's span in 32 hexadecimal digits; empty without one.
	TraceID string
	// Submitted tells that no thread of Python is in the call.
	Submitted bool
	// Ended tells that the context has ended, and the function has not noticed yet.
	Ended bool
}

// waited are the calls that threads of Python have made, weakly: their memory is
// used again, so a call is noted once and tells itself whether it runs. That costs
// a call less than a counter would.
var waited struct {
	mu    sync.Mutex
	calls []weak.Pointer[Call]
}

func noteWaited(c *Call) {
	waited.mu.Lock()
	defer waited.mu.Unlock()
	if len(waited.calls) == cap(waited.calls) {
		waited.calls = slices.DeleteFunc(waited.calls, func(p weak.Pointer[Call]) bool { return p.Value() == nil })
	}
	waited.calls = append(waited.calls, weak.Make(c))
}

// eachRunning gives the calls that run.
func eachRunning(f func(*Call)) {
	waited.mu.Lock()
	calls := slices.Clone(waited.calls)
	waited.mu.Unlock()
	for _, p := range calls {
		if c := p.Value(); c != nil && c.isOpen() {
			f(c)
		}
	}
	submitted.Range(func(_, c any) bool {
		f(c.(*Call))
		return true
	})
}

// monotonic reads the clock CLOCK_MONOTONIC, in ns.
func monotonic() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // cannot fail
	return now.Nano()
}

// countRunning gives the number of calls that run.
func countRunning() (n int64) {
	eachRunning(func(*Call) { n++ })
	return n
}

// isSubmitted tells that no thread of Python waits for the call as for one that it makes itself.
func (c *Call) isSubmitted() bool { return c.Token != 0 && !c.waited.Load() }

// InFlight describes the calls that run, the oldest first, so many at most.
func InFlight(limit int) []Running {
	now, found := monotonic(), []Running{}
	eachRunning(func(c *Call) {
		r := Running{
			Function:  c.Function.Name,
			Age:       max(0, time.Duration(now-c.context.Load().started)),
			Submitted: c.isSubmitted(),
			Ended:     c.err.Load() != nil,
		}
		if t := c.traced.Load(); t != nil {
			r.TraceID = t.id
		}
		found = append(found, r)
	})
	slices.SortFunc(found, func(a, b Running) int { return cmp.Compare(b.Age, a.Age) })
	return found[:min(limit, len(found))]
}

// CallerOf gives what identifies who has made the call of a context, in hexadecimal digits: the id of
// the span that was current in Python, or if there was none what Python has chosen; nothing if that
// is nothing.
func CallerOf(ctx context.Context) string {
	c := CallFrom(ctx)
	if c == nil {
		return ""
	}
	return string(c.caller[:c.callerLength])
}

// spanIDEnd is where the id of the caller's span ends in a traceparent.
const spanIDEnd = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef")

// callerOption is in front of what identifies a caller without a span, as many digits as the id of one has.
var callerOption = []byte("caller=")

// traceAs notes the caller's trace context.
func (c *Call) traceAs(trace []byte) {
	c.Trace = trace
	c.callerLength = 0
	if len(trace) > 0 {
		switch {
		case trace[0] == '\n': // it has no span
			_, id, _ := bytes.Cut(trace, callerOption)
			c.callerLength = copy(c.caller[:], id)
		case len(trace) >= spanIDEnd:
			c.callerLength = copy(c.caller[:], trace[spanIDEnd-len(c.caller):])
		}
		if t := c.Function.tracedBy(trace); t != nil {
			c.traced.Store(t)
		}
	}
}
