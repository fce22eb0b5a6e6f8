package gocore

import (
	"context"
	"sync/atomic"
)

// mainCall is the call that the main thread waits for: the one Ctrl-C means.
var mainCall atomic.Pointer[Call]

// enterMain makes c the main thread's call; the returned function restores
// the one before it.
func enterMain(c *Call) (leave func()) {
	before := mainCall.Swap(c)
	return func() { mainCall.Store(before) }
}

// Interrupt cancels the call that the main thread waits for, if there is one.
func Interrupt() {
	if c := mainCall.Load(); c != nil {
		c.Cancel(context.Canceled)
	}
}
