package fetch

import (
	"sync"
	"time"
)

// queue decides which item runs next under the limit per host. Hosts with
// work and a free place take turns, so a slow host holds up nobody else, and
// an item waiting for its retry occupies no worker.
type queue struct {
	mu      sync.Mutex
	wake    sync.Cond
	perHost int
	hosts   map[string]*host
	ready   []*host // each at most once
	parked  map[*job]*time.Timer
	left    int // items neither done nor given up
	closed  bool
}

// host is one scheme, name and port.
type host struct {
	waiting []*job
	running int
	listed  bool // in queue.ready
}

func newQueue(jobs []*job, perHost int) *queue {
	q := &queue{
		perHost: perHost,
		hosts:   make(map[string]*host),
		parked:  make(map[*job]*time.Timer),
		left:    len(jobs),
	}
	q.wake.L = &q.mu
	for _, j := range jobs {
		key := origin(j.url)
		h := q.hosts[key]
		if h == nil {
			h = new(host)
			q.hosts[key] = h
		}
		j.host = h
		h.waiting = append(h.waiting, j)
	}
	for _, j := range jobs { // not the map: hosts start in the order of the items
		q.list(j.host)
	}
	return q
}

// width is the greatest number of items that can run at once.
func (q *queue) width() int {
	n := 0
	for _, h := range q.hosts {
		n += min(q.perHost, len(h.waiting))
	}
	return n
}

// list puts a host in line if it has work and a free place. The caller holds
// the lock.
func (q *queue) list(h *host) {
	if !h.listed && len(h.waiting) > 0 && h.running < q.perHost {
		h.listed = true
		q.ready = append(q.ready, h)
		q.wake.Signal()
	}
}

// next waits for an item to work on; false means that there will be no more.
func (q *queue) next() (*job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) == 0 && q.left > 0 && !q.closed {
		q.wake.Wait()
	}
	if q.closed || q.left == 0 {
		return nil, false
	}
	h := q.ready[0]
	q.ready = q.ready[1:]
	h.listed = false
	j := h.waiting[0]
	h.waiting = h.waiting[1:]
	h.running++
	q.list(h)
	return j, true
}

// done frees the item's place for good.
func (q *queue) done(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.left--
	j.host.running--
	q.list(j.host)
	if q.left == 0 {
		q.wake.Broadcast()
	}
}

// park frees the item's place and puts it back in line after the delay.
func (q *queue) park(j *job, delay time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.host.running--
	q.list(j.host)
	if q.closed {
		return
	}
	q.parked[j] = time.AfterFunc(delay, func() { q.unpark(j) })
}

func (q *queue) unpark(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.parked, j)
	j.host.waiting = append(j.host.waiting, j)
	q.list(j.host)
}

// close lets every worker go home after the item in its hands.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, timer := range q.parked {
		timer.Stop()
	}
	q.wake.Broadcast()
}
