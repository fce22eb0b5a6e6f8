package gocore

import (
	"bytes"
	"runtime"
	"sync/atomic"
)

// firstLooks is how many submitted calls of a function are looked at; it takes
// as long as a trivial call (benchmark async.await_10k).
const firstLooks = 32

// threadsAreKept tells that some function has left its goroutine locked to its
// thread. From then on every call is looked at.
var threadsAreKept atomic.Bool

// endIfLocked ends the goroutine, as its function wants, if that has left it
// locked to its thread. The first calls are looked at here, later ones when
// the goroutine has nothing to run.
func (f *Function) endIfLocked() {
	if f.looks.Load() < firstLooks {
		f.looks.Add(1)
	} else if !threadsAreKept.Load() {
		return
	}
	if isLocked() {
		runtime.Goexit()
	}
}

// isLocked tells whether this goroutine is locked to its thread: a function has
// changed the thread (its name space, its user), and has Go end it with the
// goroutine, which therefore must run nothing else. Go tells in no other way.
func isLocked() bool {
	var header [128]byte
	n := runtime.Stack(header[:], false)
	locked := bytes.Contains(header[:n], []byte("locked to thread"))
	if locked {
		threadsAreKept.Store(true)
	}
	return locked
}
