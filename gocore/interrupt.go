package gocore

import "sync/atomic"

// mainContext is that of the call the main thread waits for, or of the last
// one; interrupted is the number of the call that Ctrl-C meant last.
var (
	mainContext atomic.Pointer[callContext]
	interrupted atomic.Uint64
)

// await makes the context that of the main thread's call with the number. It
// stays that when the call has ended, which does no harm.
func (x *callContext) await(number uint64) {
	x.number = number
	mainContext.Store(x)
	if interrupted.Load() == number { // faster than the call
		x.interrupt()
	}
}

func (x *callContext) interrupt() { x.call.Load().cancel(x, &canceled) }

// Interrupt cancels the call with that number if the main thread waits for it,
// or is about to. A later one is not meant: a handler of the signal may have made it.
func Interrupt(number uint64) {
	interrupted.Store(number)
	if ctx := mainContext.Load(); ctx != nil && ctx.number == number {
		ctx.interrupt()
	}
}
