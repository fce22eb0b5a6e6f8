package gocore

import "sync/atomic"

// mainContext is that of the call the main thread waits for, or of the last
// one: the one Ctrl-C means.
var mainContext atomic.Pointer[callContext]

// Interrupt cancels the call that the main thread waits for, if there is one.
func Interrupt() {
	if ctx := mainContext.Load(); ctx != nil {
		c := ctx.call.Load()
		c.cancel(ctx, &canceled)
	}
}
