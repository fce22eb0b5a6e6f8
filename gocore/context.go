package gocore

import (
	"context"
	"sync/atomic"
	"time"
)

// callContext is the context of one call. It is a mere reference, since the
// memory of a call is used again for the next one of its function (unless it had
// a deadline), and a function may keep its context for as long as it likes. Who
// comes through it after the end finds one that has ended.
//
// Whoever changes a call through its context locks it, says so (shared), and
// looks again whether the call is still the context's: closeContext first turns
// the context away and then looks whether somebody had come. The usual call has
// nobody, and so needs no lock.
type callContext struct {
	call atomic.Pointer[Call]
	// These are written before the context is its call's, so that who finds it there may read them.
	started int64  // on the clock CLOCK_MONOTONIC, in ns
	number  uint64 // of a call that the main thread waits for; 0: any other
	thread  int    // on which it runs, if it is waited for; 0: not known

	events atomic.Pointer[CallEvents] // nil until asked for
}

// newEndedCall makes what the contexts of a function's calls refer to in the end.
func newEndedCall(f *Function) *Call {
	c := &Call{Function: f, done: make(chan struct{})}
	c.err.Store(&canceled)
	c.closed.Store(true)
	close(c.done)
	return c
}

// contextsAtOnce is how many contexts are allocated together for a call whose
// memory will be used again: one by one they would be most of what the collector
// has to do for small calls.
const contextsAtOnce = 64

// nextContext takes a context for the call, allocating so many if it has none left.
func (c *Call) nextContext(atOnce int) *callContext {
	if len(c.contexts) == 0 {
		c.contexts = make([]callContext, atOnce)
		for i := range c.contexts {
			c.contexts[i].call.Store(c)
		}
	}
	x := &c.contexts[0]
	c.contexts = c.contexts[1:]
	return x
}

// open makes the context its call's: from now on the call runs, for whoever looks. It
// is the only thing that a call says of its beginning, and turning the context away the only
// one of its end, since each atomic store is some percent of a small call (call.crossing).
func (c *Call) open(x *callContext) {
	if x.number == 0 {
		c.context.Store(x)
		return
	}
	if mainCall.Load() != c {
		mainCall.Store(c)
	}
	c.context.Store(x)
	if interrupted.Load() == x.number { // faster than the call
		x.interrupt()
	}
}

// isOpen tells whether the call runs.
func (c *Call) isOpen() bool {
	x := c.context.Load()
	return x != nil && x.call.Load() == c && !c.over.Load()
}

// closeContext ends the context and makes the call ready to be used again. One
// with a deadline is not: its context must go on to tell that, and whether it passed.
func (c *Call) closeContext() {
	if c.deadline != nil {
		c.over.Store(true)
		c.cancel(c.context.Load(), &canceled)
		return
	}
	c.context.Load().call.Store(c.Function.ended)
	if !c.shared.Load() {
		return
	}
	c.mu.Lock()
	after := c.close()
	c.done = nil
	c.err.Store(nil)
	c.shared.Store(false)
	c.mu.Unlock()
	start(after)
}

// enter locks the call of the context, for who changes it or waits for it.
func (x *callContext) enter() *Call {
	for {
		c := x.call.Load()
		c.mu.Lock()
		c.shared.Store(true)
		if x.call.Load() == c {
			return c
		}
		c.mu.Unlock() // it ended meanwhile
	}
}

// cancel ends a context of the call with the given error, once.
func (c *Call) cancel(of *callContext, err *error) {
	found := of.enter()
	defer found.mu.Unlock()
	if found == c && c.err.Load() == nil {
		c.ended.Store(monotonic())
		c.err.Store(err)
		start(c.close())
	}
}

// close tells who waits for the end; the call is locked. It gives what must be
// started.
func (c *Call) close() map[*afterFunc]struct{} {
	if c.done != nil {
		select {
		case <-c.done:
		default:
			close(c.done)
		}
	}
	after := c.after
	c.after = nil
	return after
}

func start(after map[*afterFunc]struct{}) {
	for f := range after {
		go f.run()
	}
}

// Context gives the context that the function receives.
func (c *Call) Context() context.Context { return c.context.Load() }

// Deadline implements context.Context.
func (x *callContext) Deadline() (time.Time, bool) {
	c := x.enter()
	defer c.mu.Unlock()
	if c.deadline == nil {
		return time.Time{}, false
	}
	return c.deadline.at, true
}

// Done implements context.Context.
func (x *callContext) Done() <-chan struct{} {
	c := x.enter()
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
func (x *callContext) Err() error {
	for {
		c := x.call.Load()
		err := c.err.Load()
		if x.call.Load() != c {
			continue // it ended meanwhile
		}
		if err == nil {
			return nil
		}
		return *err
	}
}

// callKey finds the Call in a context derived from it.
type callKey struct{}

// Value implements context.Context. It has the labels of its call where runtime/pprof looks for
// them, so that those which a function adds join them, and what the observer knows of the call
// where others look for that.
func (x *callContext) Value(key any) any {
	switch key.(type) {
	case callKey:
		return x.call.Load()
	case eventsKey:
		return x.eventsOf()
	}
	if label := x.labelOf(key); label != nil {
		return label
	}
	if o := observer.Load(); o != nil {
		return (*o).Value(x, key)
	}
	return nil
}

func (x *callContext) labelOf(key any) any {
	for {
		c := x.call.Load()
		labels := c.labels()
		if x.call.Load() == c { // else it ended meanwhile
			return labels.Value(key)
		}
	}
}

// CallFrom finds the call that a context belongs to, or nil. It must not be kept:
// after its end the memory is used for another call.
func CallFrom(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// afterFunc is one registration of AfterFunc; its address is its identity.
type afterFunc struct{ run func() }

// AfterFunc lets package context derive contexts without a goroutine for each
// (it looks for this method).
func (x *callContext) AfterFunc(f func()) (stop func() bool) {
	c := x.enter()
	defer c.mu.Unlock()
	if c.err.Load() != nil {
		go f()
		return func() bool { return false }
	}
	registered := &afterFunc{run: f}
	if c.after == nil {
		c.after = map[*afterFunc]struct{}{}
	}
	c.after[registered] = struct{}{}
	return func() bool {
		c := x.enter()
		defer c.mu.Unlock()
		_, waiting := c.after[registered]
		delete(c.after, registered)
		return waiting
	}
}
