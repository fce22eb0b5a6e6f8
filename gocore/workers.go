package gocore

import (
	"slices"
	"sync"
)

// maxIdleWorkers bounds the goroutines that wait for a submitted call.
const maxIdleWorkers = 64

// workers run submitted calls. A goroutine that has run one takes the next that
// waits instead of ending: a new goroutine begins with a small stack, and growing
// it costs as much as a trivial call (benchmark async.await_10k).
//
// No call waits for another to end: for each that waits there is a goroutine of
// its own that Go's scheduler is about to run. Where calls are short, others have
// mostly taken its call by then, and it serves the next one: then a call needs no
// new goroutine.
var workers = newPool()

type pool struct {
	mu      sync.Mutex
	woken   sync.Cond
	waiting []func() // guarded by mu; waiting[head:] are to be run
	head    int      // guarded by mu
	coming  int      // guarded by mu: goroutines that were started or woken and do not run yet
	idle    int      // guarded by mu: goroutines that wait to be woken
}

func newPool() *pool {
	p := &pool{}
	p.woken.L = &p.mu
	return p
}

// startWorker runs f on a goroutine, now: it never waits for one to be free. It
// may be told that somebody is about to wait for nothing but f.
func startWorker(f func(), awaited bool) {
	if awaited {
		if c := theCourier(); c != nil && c.run(f) {
			return
		}
	}
	workers.run(f)
}

func (p *pool) run(f func()) {
	p.mu.Lock()
	p.waiting = append(p.waiting, f)
	enough := p.coming >= len(p.waiting)-p.head
	wake := !enough && p.idle > 0
	if !enough {
		p.coming++
	}
	if wake {
		p.idle--
		p.woken.Signal()
	}
	p.mu.Unlock()
	if !enough && !wake {
		go p.work()
	}
}

// work runs calls until there are none, and again when it is woken.
func (p *pool) work() {
	p.mu.Lock()
	for {
		p.coming--
		if p.runWaiting() {
			p.mu.Unlock()
			if isLocked() {
				return
			}
			p.mu.Lock()
		}
		if p.idle >= maxIdleWorkers {
			p.mu.Unlock()
			return
		}
		p.idle++
		unlabel()
		p.woken.Wait()
	}
}

// runWaiting runs calls until there are none, and tells whether there were any. It
// has no lock while it runs one: that may end the goroutine.
func (p *pool) runWaiting() (ran bool) {
	for p.head < len(p.waiting) {
		p.next()()
		p.mu.Lock()
		ran = true
	}
	return ran
}

// next takes the call that has waited longest, and unlocks.
func (p *pool) next() func() {
	f := p.waiting[p.head]
	p.waiting[p.head] = nil
	p.head++
	if p.head == len(p.waiting) || p.head >= compactAt && 2*p.head >= len(p.waiting) {
		p.waiting = slices.Delete(p.waiting, 0, p.head)
		p.head = 0
	}
	p.mu.Unlock()
	return f
}
