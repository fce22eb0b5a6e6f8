package archive

import (
	"context"
	"sync"
)

// ration bounds the memory that all calls of the process have for something. Each call may have one
// thing, so that none waits for another, which may be held up for ever; what it has beyond is from a
// common stock.
type ration struct {
	stock func() int
	mu    sync.Mutex
	freed sync.Cond
	used  int // of the stock
}

func newRation(stock func() int) *ration {
	r := &ration{stock: stock}
	r.freed.L = &r.mu
	return r
}

// share is what one call has of a ration, in things of one size.
type share struct {
	*ration
	size, count int
}

func (r *ration) share(size int) *share { return &share{ration: r, size: size} }

// take waits until there is one for the call.
func (s *share) take(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mustWait() {
		defer context.AfterFunc(ctx, s.wake)()
	}
	for s.mustWait() {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.freed.Wait()
	}
	if s.count > 0 {
		s.used += s.size
	}
	s.count++
	return nil
}

func (s *share) mustWait() bool { return s.count > 0 && s.used+s.size > s.stock() }

// left is what nobody has of the stock.
func (r *ration) left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stock() - r.used
}

func (r *ration) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.freed.Broadcast()
}

// give takes so many back.
func (s *share) give(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.count--
		if s.count > 0 {
			s.used -= s.size
		}
	}
	s.freed.Broadcast()
}

// end takes all back.
func (s *share) end() { s.give(s.count) }
