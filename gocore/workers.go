package gocore

import "sync/atomic"

// maxIdleWorkers bounds the goroutines that wait for a submitted call.
const maxIdleWorkers = 64

// workers run submitted calls. A goroutine that has run one waits for the next
// instead of ending: a new goroutine begins with a small stack, and growing it
// costs as much as a trivial call (benchmark async.await_10k).
var workers = struct {
	jobs chan func()
	idle atomic.Int32
}{jobs: make(chan func())}

// startWorker runs f on a goroutine, now: it never waits for one to be free. It
// may be told that somebody is about to wait for nothing but f.
func startWorker(f func(), awaited bool) {
	if awaited {
		if c := theCourier(); c != nil && c.run(f) {
			return
		}
	}
	select {
	case workers.jobs <- f:
	default:
		go work(f)
	}
}

func work(f func()) {
	f()
	for workers.idle.Add(1) <= maxIdleWorkers {
		f = <-workers.jobs
		workers.idle.Add(-1)
		f()
	}
	workers.idle.Add(-1)
}
