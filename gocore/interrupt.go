package gocore

import "sync/atomic"

// mainCall is the one that the main thread waits for, or the memory of the last
// one; interrupted is the number of the call that Ctrl-C meant last.
var (
	mainCall    atomic.Pointer[Call]
	interrupted atomic.Uint64
)

func (x *callContext) interrupt() { x.call.Load().cancel(x, &canceled) }

// Interrupt cancels the call with that number if the main thread waits for it,
// or is about to. A later one is not meant: a handler of the signal may have made it.
func Interrupt(number uint64) {
	interrupted.Store(number)
	c := mainCall.Load()
	if c == nil {
		return
	}
	if x := c.context.Load(); x != nil && x.number == number {
		x.interrupt()
	}
}
