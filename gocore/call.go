package gocore

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Call is one invocation of a function. It is also the context that the
// function receives, so that a call costs one allocation: the channel behind
// Done is made only when somebody asks for it, and a timer only runs for a
// call with a deadline.
//
// A Call is safe for concurrent use and must not be copied.
type Call struct {
	Function *Function
	// Trace is the caller's trace context as three lines of text (traceparent,
	// tracestate, baggage), or empty. It aliases the caller's memory and is
	// only valid until the observer's StartCall returns.
	Trace []byte
	// Token names a submitted call in messages and cancellation; 0 for a call
	// that the caller waits for.
	Token uint64

	deadline time.Time
	timer    *time.Timer
	outbox   *outbox  // nil when nobody wants messages
	window   *window  // of a stream
	answers  *answers // to a function that asks

	mu     sync.Mutex
	done   chan struct{} // guarded by mu; nil until asked for
	after  map[*afterFunc]struct{}
	inbox  chan []byte // guarded by mu; nil until asked for
	err    atomic.Pointer[error]
	closed atomic.Bool
}

// NewCall prepares a call. A timeout of 0 means no deadline; a negative one
// has already passed.
func NewCall(f *Function, timeout time.Duration) *Call {
	c := &Call{Function: f}
	switch {
	case timeout < 0:
		c.deadline = time.Now()
		c.Cancel(context.DeadlineExceeded)
	case timeout > 0:
		c.deadline = time.Now().Add(timeout)
		c.timer = time.AfterFunc(timeout, func() { c.Cancel(context.DeadlineExceeded) })
	}
	return c
}

// Cancel ends the call's context with the given error, once.
func (c *Call) Cancel(err error) {
	c.mu.Lock()
	if c.err.Load() != nil {
		c.mu.Unlock()
		return
	}
	c.err.Store(&err)
	if c.done != nil {
		close(c.done)
	}
	after := c.after
	c.after = nil
	c.mu.Unlock()
	for f := range after {
		go f.run()
	}
}

// finish releases what the call holds. The context ends too, as that of
// http.Request does, so that what a function left behind stops.
func (c *Call) finish() {
	c.closed.Store(true)
	if c.timer != nil {
		c.timer.Stop()
	}
	c.Cancel(context.Canceled)
}

// Deadline implements context.Context.
func (c *Call) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// Done implements context.Context.
func (c *Call) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err.Load() != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err implements context.Context.
func (c *Call) Err() error {
	if err := c.err.Load(); err != nil {
		return *err
	}
	return nil
}

// callKey finds the Call in a context derived from it.
type callKey struct{}

// Value implements context.Context.
func (c *Call) Value(key any) any {
	if _, wanted := key.(callKey); wanted {
		return c
	}
	return nil
}

// CallFrom finds the call that a context belongs to, or nil.
func CallFrom(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// afterFunc is one registration of AfterFunc; its address is its identity.
type afterFunc struct{ run func() }

// AfterFunc lets package context derive contexts without a goroutine for each
// (it looks for this method).
func (c *Call) AfterFunc(f func()) (stop func() bool) {
	registered := &afterFunc{run: f}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err.Load() != nil {
		go f()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = map[*afterFunc]struct{}{}
	}
	c.after[registered] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.after[registered]
		delete(c.after, registered)
		return waiting
	}
}

// inboxSize is how many messages from Python may wait for Receive.
const inboxSize = 64

// Deliver hands a message from Python to the call. It fails when the call has
// ended or its inbox is full, and never blocks: it runs on a Python thread.
func (c *Call) Deliver(message []byte) error {
	if c.closed.Load() || c.Err() != nil {
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
