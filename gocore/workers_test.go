package gocore

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Calls that end only when all have begun: none may wait for another's end.
func TestNoCallWaitsForAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool()
		for round := range 3 {
			count := 100 << round
			all := make(chan struct{})
			var begun, ended atomic.Int64
			for range count {
				p.run(func() {
					if begun.Add(1) == int64(count) {
						close(all)
					}
					<-all
					ended.Add(1)
				})
			}
			synctest.Wait()
			if got := ended.Load(); got != int64(count) {
				t.Fatalf("%d of %d calls have ended", got, count)
			}
			if p.idle > maxIdleWorkers || p.coming != 0 || len(p.waiting) != 0 {
				t.Fatalf("idle %d, coming %d, waiting %d", p.idle, p.coming, len(p.waiting))
			}
		}
		p.dismiss()
	})
}

// A call that ends its goroutine takes nobody with it.
func TestCallsThatEndTheirGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool()
		var ended atomic.Int64
		for i := range 1000 {
			p.run(func() {
				defer ended.Add(1)
				if i%2 == 0 {
					runtime.Goexit()
				}
			})
		}
		synctest.Wait()
		if got := ended.Load(); got != 1000 {
			t.Fatalf("%d of 1000 calls have ended", got)
		}
		p.dismiss()
	})
}

// Calls that come while others run are taken up, from many goroutines at once.
func TestCallsFromEverywhere(t *testing.T) {
	t.Parallel()
	p := newPool()
	var callers, calls sync.WaitGroup
	var ran atomic.Int64
	for range 8 {
		callers.Go(func() {
			for range 5000 {
				calls.Add(1)
				p.run(func() {
					ran.Add(1)
					calls.Done()
				})
			}
		})
	}
	callers.Wait()
	calls.Wait()
	if got := ran.Load(); got != 40_000 {
		t.Fatalf("%d of 40000 calls ran", got)
	}
	p.dismiss()
}

// dismiss ends the goroutines that wait.
func (p *pool) dismiss() {
	for range maxIdleWorkers {
		p.run(runtime.Goexit)
	}
}
