package gocore

import (
	"sync/atomic"
	"time"
)

// What keeps the runtime's monitor awake.
//
// Since Go 1.26 a stop of the world can miss a thread that leaves Go (reentersyscall reads
// gcwaiting before it says that it is in a system call), and then waits until that thread comes
// back. It may be a thread of Python that does something else now, and nothing else runs in Go
// until then, as no call gets a processor. Only the monitor (sysmon) would take the processor
// from that thread; but while a stop is under way it sleeps until the next timer is due, or for
// a minute. So there is a timer while there is something to stop for: a stop that has missed a
// thread lasts at most one nap and two rounds of the monitor.
var (
	goWasUsed atomic.Bool // since a nap ended last

	// The second is for what a call or a background goroutine waits for outside of Go, between
	// its beginning and its end. It is longer since nothing else may wake the process then.
	napWhenUsed = nap{length: 200 * time.Millisecond}
	napInCalls  = nap{length: 2 * time.Second}
)

// nap is for how long the monitor may sleep.
type nap struct {
	length  time.Duration
	isTimed atomic.Bool
}

// KeepMonitorAwake tells that a thread uses Go, or is about to leave it. It costs one load, except
// once in each nap.
func KeepMonitorAwake() {
	if !goWasUsed.Load() {
		goWasUsed.Store(true)
		napWhenUsed.begin()
	}
}

func (n *nap) begin() {
	if n.isTimed.CompareAndSwap(false, true) {
		time.AfterFunc(n.length, func() {
			n.isTimed.Store(false)
			nextNap()
		})
	}
}

// nextNap begins the nap after one that has ended, if there is something to stop for.
func nextNap() {
	switch {
	case napWhenUsed.isTimed.Load(): // it decides when it ends
	case goWasUsed.Swap(false):
		napWhenUsed.begin()
	case background.Load() > 0 || countRunning() > 0:
		napInCalls.begin()
	}
}
