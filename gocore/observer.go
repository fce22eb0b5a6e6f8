package gocore

import (
	"context"
	"sync/atomic"
	"time"
)

// Observer is told what happens to calls. The core runs without one; package
// observe has the one for OpenTelemetry and Sentry. Its methods are
// called on the goroutine of the call, must be safe for concurrent use and,
// but for Flush, must not block.
type Observer interface {
	// StartCall runs before the function. The context it returns is the
	// function's; the function it returns is called once when the call ends,
	// with the error or nil, and may be nil itself.
	StartCall(ctx context.Context, call *Call) (context.Context, func(error))
	// Measured is told of a call that has ended, if calls are counted (StartMetering). The context
	// is the one that StartCall gave.
	Measured(ctx context.Context, f *Function, m Measurement)
	// Trace gives the trace context of what runs under a context that StartCall
	// gave, or one derived from it.
	Trace(ctx context.Context) TraceContext
	// Headers gives what a request or a program under such a context carries of it.
	Headers(ctx context.Context) []Propagated
	// StartRequest runs before a request is sent; see the function of that name.
	StartRequest(ctx context.Context, r Outgoing) (context.Context, func(Answer))
	// Retry tells that something is tried again after a while.
	Retry(ctx context.Context, reason error, attempt int, delay time.Duration)
	// Value gives what the context of a call has for a key of a package that the observer
	// knows; nil for any other.
	Value(of context.Context, key any) any
	// StartBackground is told of a goroutine that may outlive the call that its context is of.
	StartBackground(ctx context.Context)
	// BackgroundPanic reports a panic that no reply can carry: one in a
	// goroutine started through Go. The context is that goroutine's.
	BackgroundPanic(ctx context.Context, err *PanicError)
	// Flush sends what is buffered; it returns when that is done or ctx ends,
	// and may block until then.
	Flush(ctx context.Context)
}

// observer is nil until SetObserver; a pointer to the interface since atomics
// hold one word.
var observer atomic.Pointer[Observer]

// SetObserver installs the process's observer. Calls that already run keep
// the one they started with.
func SetObserver(o Observer) { observer.Store(&o) }
