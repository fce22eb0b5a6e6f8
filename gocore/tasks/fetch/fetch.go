// Package fetch downloads many URLs to files at once: digests checked, failed
// transfers retried and continued where they stopped, every file replaced
// atomically or not at all.
//
// The rooms: options.go and plan.go say what is asked and refuse what cannot
// work; queue.go decides which item runs next; attempt.go is one HTTP exchange
// and retry.go judges its failure; partial.go is the unfinished file and
// sidecar.go what lets a later call continue it; meter.go counts.
//
// The package knows nothing of Python, of gostitch or of tracing: whoever
// wants spans wraps the transport, see WithTransportWrapper. It logs nothing.
package fetch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gostitch/gostitch/gocore/tasks/internal/failure"
)

// progressEvery is the shortest time between two progress reports.
const progressEvery = 100 * time.Millisecond

// Fetch downloads every item to its file and gives one result per item, in
// the order of the items.
//
// An item that fails does not fail the call: its result says why, and the
// other items go on. The call itself fails for arguments that cannot work,
// before any request is sent, and when it is cancelled or its deadline passes.
//
// A target file is replaced only by a complete and verified download, by an
// atomic rename; missing parent directories are made. After a failure or a
// cancellation nothing partial remains, unless resume is set.
//
// Connection errors, stalls, short bodies and the statuses 408, 425, 429 and
// 5xx are retried with exponential backoff and jitter; a Retry-After header is
// honoured up to one minute. A retry continues the unfinished file by a Range
// request when the server named a strong ETag, or a Last-Modified at least a
// minute old; if the resource has changed since, the whole file is fetched
// again. Redirects are followed, at most ten, never from https to http; the
// headers of the call go only to the item's own scheme, host and port. The
// proxies of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) are used.
//
// The file holds the bytes as served: no content encoding is asked for and
// none is undone. It is not synced to the disk. A body of unannounced length
// cannot be told from one cut short; give a digest where that matters.
//
// In Go, the results of a cancelled call are returned beside the error.
// Progress may be nil. It runs on the caller's goroutine, about every 100 ms
// while something changes, and once at the end. After the return no goroutine
// and no connection of the call is left.
//
//gostitch:long
func Fetch(ctx context.Context, o Options, progress func(Progress)) ([]Result, error) {
	p, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	c := newCall(ctx, p)
	defer c.close()
	c.start()
	c.report(progress)
	c.close()
	if c.panicked != nil {
		panic(c.panicked)
	}
	results, ended := c.results()
	if progress != nil {
		progress(c.meter.read())
	}
	if ended < len(results) {
		return results, stopped(ctx, ended, len(results))
	}
	return results, nil
}

// call is one run of Fetch: its workers and what they share.
type call struct {
	*plan
	ctx    context.Context
	cancel context.CancelFunc
	unhook func() bool // ends the wait for the caller's cancellation
	web    *web
	queue  *queue
	meter  meter
	dirs   sync.Map // directories known to exist

	workers  sync.WaitGroup
	finished chan struct{}
	closing  sync.Once
	panicOne sync.Once
	panicked *WorkerPanic
}

func newCall(ctx context.Context, p *plan) *call {
	c := &call{plan: p, finished: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.web = newWeb(c.ctx, p)
	c.queue = newQueue(p.jobs, p.perHost)
	c.meter.total = int64(len(p.jobs))
	return c
}

// start lets the workers loose. There are never more of them than requests
// that the limits allow at once, so 20 000 items do not make 20 000 goroutines.
func (c *call) start() {
	c.unhook = context.AfterFunc(c.ctx, c.queue.close)
	for range min(c.concurrency, c.queue.width()) {
		c.workers.Go(c.work)
	}
	go func() {
		c.workers.Wait()
		close(c.finished)
	}()
}

// work runs attempts until the queue has no more. A panic (of a transport
// wrapper, say) must not take the process down from a goroutine the caller
// cannot guard: it is carried to the caller's own.
func (c *call) work() {
	defer func() {
		if v := recover(); v != nil {
			stack := debug.Stack()
			c.panicOne.Do(func() { c.panicked = &WorkerPanic{Value: v, Stack: stack} })
			c.cancel()
		}
	}()
	for {
		j, ok := c.queue.next()
		if !ok {
			return
		}
		c.step(j)
	}
}

// step makes one attempt at an item and decides what becomes of it.
func (c *call) step(j *job) {
	err := c.attempt(j)
	if delay, again := c.judge(j, err); again {
		OnRetry(c.ctx, err, j.attempts, delay)
		j.partial.pause()
		c.queue.park(j, delay)
		return
	}
	c.settle(j, err)
	c.queue.done(j)
}

// settle writes the item's result.
func (c *call) settle(j *job, err error) {
	r := &j.result
	if c.ctx.Err() != nil && err != nil {
		return // results reports it as stopped
	}
	j.settled = true
	if err == nil {
		r.OK = true
		c.meter.succeed(r.Bytes, j.announced)
	} else {
		c.meter.fail(j.partial.len(), j.announced)
		r.Error = err.Error()
		j.partial.abandon()
	}
	j.partial = nil // its hash state and names; there may be many items
}

// report passes progress on until the workers have ended.
func (c *call) report(progress func(Progress)) {
	if progress == nil {
		<-c.finished
		return
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	var last Progress
	for {
		select {
		case <-c.finished:
			return
		case <-tick.C:
			if now := c.meter.read(); now != last {
				progress(now)
				last = now
			}
		}
	}
}

// close ends the workers, if a panic of the progress function left them
// running, and gives back every connection and unfinished file.
func (c *call) close() {
	c.closing.Do(func() {
		c.unhook()
		c.cancel()
		c.queue.close()
		<-c.finished
		c.web.close()
		for _, j := range c.jobs {
			if !j.settled {
				j.partial.abandon()
			}
		}
	})
}

// results collects the results and counts the items that came to an end.
func (c *call) results() ([]Result, int) {
	results := make([]Result, len(c.jobs))
	ended := 0
	for i, j := range c.jobs {
		if j.settled {
			ended++
		} else {
			j.result.Error = "stopped before it was complete"
		}
		results[i] = j.result
	}
	return results, ended
}

// stopped is the error of a call that was cancelled or ran out of time.
func stopped(ctx context.Context, ended, total int) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != nil && cause != err {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return failure.At(fmt.Errorf("fetch stopped after %d of %d items: %w", ended, total, err))
}

// WorkerPanic is what Fetch panics with when code that ran in one of its
// goroutines panicked; Stack is that goroutine's.
type WorkerPanic struct {
	Value any
	Stack []byte
}

// Error gives the value; the stack is kept apart.
func (p *WorkerPanic) Error() string { return fmt.Sprint(p.Value) }

// Unwrap gives the value if it is an error.
func (p *WorkerPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
