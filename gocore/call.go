package gocore

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
)

// Call is one invocation of a function. The function receives its context
// (Context).
//
// A Call is safe for concurrent use and must not be copied.
type Call struct {
	Function *Function
	// Trace is the caller's trace context as lines of text (traceparent, tracestate,
	// baggage, and what Python's part of the observer has to add), or empty. It aliases
	// the caller's memory and is only valid until the observer's StartCall returns.
	Trace []byte
	// Token names a submitted call in messages and cancellation; 0 for a call
	// that the caller waits for.
	Token uint64

	input codec.Input
	held  []unsafe.Pointer // memory that the encoded result refers to
	loans []*loan          // what is lent, if that is checked
	end   func(error)      // of the observation; nil without one
	// exit is called when the function ends its goroutine (runtime.Goexit).
	exit     func(*Call)
	deadline *deadline // nil: none
	inside   bool      // the user's function runs, so that a panic is its own
	queue    *Queue    // of a submitted call
	outbox   *outbox   // nil when nobody wants messages
	window   *window   // of a stream
	answers  *answers  // to a function that asks
	closed   atomic.Bool
	waited   atomic.Bool // it is submitted, and a thread of Python waits for it as for one of its own
	inbox    chan []byte // guarded by mu; nil until asked for

	spans        SpanSource // of the call wait there for Python; nil: none
	caller       [16]byte   // the id of the caller's span in hexadecimal digits
	callerLength int        // 0: there is none

	begun     time.Duration // on the clock of now; 0: it is not counted
	bytesIn   int
	errorType string          // of the error that it ended with; empty: none
	observed  context.Context // that StartCall gave; nil: it is not counted

	ended   atomic.Int64           // when err was set, on the clock CLOCK_MONOTONIC, in ns
	traced  atomic.Pointer[traced] // nil: no trace
	moments moments

	context  atomic.Pointer[callContext] // the present one; also for who comes from another thread
	contexts []callContext               // for later calls that reuse this memory
	over     atomic.Bool                 // it has ended, and its context still tells of its deadline

	err    atomic.Pointer[error]
	shared atomic.Bool // somebody else than the function's thread has come, or waits
	mu     sync.Mutex
	done   chan struct{} // guarded by mu; nil until asked for
	after  map[*afterFunc]struct{}
}

// deadline is the time by which a call must end.
type deadline struct {
	at    time.Time
	timer *time.Timer // nil if it has passed already
}

// The errors that calls end with, where no allocation is needed to point at them.
var canceled, deadlineExceeded = context.Canceled, context.DeadlineExceeded

// NewCall prepares a call. A timeout of 0 means no deadline; a negative one
// has already passed.
func NewCall(f *Function, timeout time.Duration) *Call {
	return newCall(f, &Request{Timeout: timeout})
}

func newCall(f *Function, r *Request) *Call {
	c := new(Call)
	if f.make != nil {
		c = f.make()
	}
	c.Function = f
	c.begin(r, 1)
	return c
}

// reuseCall is NewCall for a request that is waited for: the memory of its call was, and will
// be, used for others.
func reuseCall(f *Function, r *Request) *Call {
	c, _ := f.used.Get().(*Call)
	if c == nil {
		c = f.make()
		c.Function = f
		noteWaited(c)
	}
	c.begin(r, contextsAtOnce)
	return c
}

// begin makes the request's call run.
func (c *Call) begin(r *Request, contexts int) {
	f := c.Function
	f.endOnce.Do(func() { f.ended, f.labels = newEndedCall(f), newLabels(f) })
	x := c.nextContext(contexts)
	x.started, x.number, x.thread = r.Started, r.Number, r.Thread
	c.open(x)
	if timeout := f.timeout(r.Timeout); timeout != 0 {
		c.setTimeout(timeout)
	}
}

func (c *Call) setTimeout(timeout time.Duration) {
	c.deadline = &deadline{at: time.Now().Add(max(timeout, 0))}
	if timeout < 0 {
		c.cancel(c.context.Load(), &deadlineExceeded)
		return
	}
	ctx := c.context.Load()
	c.deadline.timer = time.AfterFunc(timeout, func() { c.cancel(ctx, &deadlineExceeded) })
}

// HasEnded tells whether a call runs no more. A context that outlives its call gives one that has.
func (c *Call) HasEnded() bool { return c.closed.Load() }

// SpanSource gives spans that have ended to Python.
type SpanSource interface {
	// TakeSpans gives those of a call as a message: the spans, if that takes no more than so many
	// bytes, or the short word that they wait.
	TakeSpans(room int) []byte
}

// SpansWait has Python take the spans that have ended before it gets the call's reply. It is for the
// function that StartCall has returned.
func (c *Call) SpansWait(at SpanSource) { c.spans = at }

// takeSpans gives the message of spans that goes before the reply, if there is one.
func (c *Call) takeSpans(room int) []byte {
	at := c.spans
	if at == nil {
		return nil
	}
	c.spans = nil
	return at.TakeSpans(room)
}

// Cancel ends the call's context with the given error, once.
func (c *Call) Cancel(err error) { c.cancel(c.context.Load(), &err) }

// finish releases what the call holds. The context ends too, as that of
// http.Request does, so that what a function left behind stops.
func (c *Call) finish() {
	if c.deadline != nil && c.deadline.timer != nil {
		c.deadline.timer.Stop()
	}
	c.closeContext()
	c.endLoans()
}

// inboxSize is how many messages from Python may wait for Receive.
const inboxSize = 64

// Deliver hands a message from Python to the call. It fails when the call has
// ended or its inbox is full, and never blocks: it runs on a Python thread.
func (c *Call) Deliver(message []byte) error {
	if c.closed.Load() || c.err.Load() != nil {
		return Errorf(CodeClosed, "the call of %s has ended", c.Function.Name)
	}
	switch {
	case c.window != nil:
		return c.window.taken(message)
	case c.answers != nil:
		return c.answers.take(message)
	}
	select {
	case c.messages() <- message:
		return nil
	default:
		return Errorf(CodeLimit, "%d messages already wait for %s; it must call gocore.Receive", inboxSize, c.Function.Name)
	}
}

func (c *Call) messages() chan []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inbox == nil {
		c.inbox = make(chan []byte, inboxSize)
	}
	return c.inbox
}

// Receive waits for the next message that Python sent to the running call
// (Future.send), or for the end of the context.
func Receive(ctx context.Context) ([]byte, error) {
	c := CallFrom(ctx)
	if c == nil {
		return nil, Errorf(CodeUnknown, "gocore.Receive needs the context of a call")
	}
	select {
	case message := <-c.messages():
		return message, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
