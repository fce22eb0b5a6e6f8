package observe

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gostitch/gostitch/gocore"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// batcher sends spans in batches. Unlike the SDK's own it counts what it drops,
// does not lose a batch when somebody stops waiting for a flush, and after
// it was replaced hands on the spans that were still open then.
type batcher struct {
	exporter sdktrace.SpanExporter
	with     describing
	limits   limits
	arrived  chan struct{}   // holds one token when spans wait
	full     chan struct{}   // holds one token when a batch of them does
	flushes  chan chan error // who waits for all that has ended
	stop     chan struct{}
	ended    chan struct{}          // closed when nothing is sent any more
	last     error                  // of what waited when this was replaced; to be read when ended is closed
	next     atomic.Pointer[sender] // what has replaced this one

	mu    sync.Mutex
	queue spanQueue // guarded by mu
}

func newBatcher(exporter sdktrace.SpanExporter, with describing, l limits) *batcher {
	b := &batcher{
		exporter: exporter,
		with:     with,
		limits:   l,
		arrived:  make(chan struct{}, 1),
		full:     make(chan struct{}, 1),
		flushes:  make(chan chan error),
		stop:     make(chan struct{}),
		ended:    make(chan struct{}),
		queue:    spanQueue{limit: l.queue},
	}
	go b.serve()
	return b
}

// OnEnd implements sender. It never waits.
func (b *batcher) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	b.mu.Lock()
	if next := b.next.Load(); next != nil {
		b.mu.Unlock()
		(*next).OnEnd(s)
		return
	}
	gocore.CountDroppedSpans(b.queue.add(s))
	n := b.queue.waiting
	b.mu.Unlock()
	if n == 1 {
		signal(b.arrived)
	}
	if n == b.limits.batch {
		signal(b.full)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// ForceFlush implements sender.
func (b *batcher) ForceFlush(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case b.flushes <- done:
	case <-b.stop:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// replaceBy implements sender: what waits is sent.
func (b *batcher) replaceBy(ctx context.Context, next sender) {
	b.mu.Lock()
	b.next.Store(&next)
	b.mu.Unlock()
	// What cannot be sent in time is lost, as at exit, and counted.
	b.last = b.ForceFlush(ctx)
	close(b.stop)
	_ = b.exporter.Shutdown(ctx)
	<-b.ended
}

// awaitEnd implements sender.
func (b *batcher) awaitEnd(ctx context.Context) error {
	select {
	case <-b.ended:
		return b.last
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave counts what is left when the batcher has ended.
func (b *batcher) leave() {
	b.mu.Lock()
	gocore.CountDroppedSpans(b.queue.waiting)
	b.queue = spanQueue{}
	b.mu.Unlock()
	close(b.ended)
}

func (b *batcher) serve() {
	defer b.leave()
	for {
		select {
		case <-b.arrived:
		case done := <-b.flushes:
			done <- b.send(0)
			continue
		case <-b.stop:
			return
		}
		timer := time.NewTimer(b.limits.delay)
		select {
		case <-timer.C:
			_ = b.send(0) // counted and told there
		case <-b.full:
			_ = b.send(b.limits.batch)
			b.again()
		case done := <-b.flushes:
			done <- b.send(0)
		case <-b.stop:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// again sees to the spans that are left of full batches.
func (b *batcher) again() {
	b.mu.Lock()
	n := b.queue.waiting
	b.mu.Unlock()
	if n > 0 {
		signal(b.arrived)
	}
	if n >= b.limits.batch {
		signal(b.full)
	}
}

// send sends batches until fewer than so many spans are left.
func (b *batcher) send(left int) (failed error) {
	for {
		b.mu.Lock()
		if b.queue.waiting == 0 || b.queue.waiting < left {
			b.mu.Unlock()
			return failed
		}
		batch := b.queue.take(b.limits.batch)
		b.mu.Unlock()
		if err := b.export(batch); err != nil {
			failed = err
		}
	}
}

func (b *batcher) export(batch []sdktrace.ReadOnlySpan) error {
	ctx, stop := context.WithTimeout(context.Background(), b.limits.timeout)
	defer stop()
	ctx, answer := withAnswer(ctx)
	err := b.exporter.ExportSpans(ctx, b.with.describe(batch))
	if err == nil {
		return nil
	}
	lost := len(batch)
	if answer.isPartial {
		lost = int(answer.rejected)
	}
	gocore.CountDroppedSpans(lost)
	tell(err, lost)
	return err
}

// toldEvery is how often at most it is logged that spans cannot be sent.
const toldEvery = time.Minute

var lastTold atomic.Int64 // in ns since 1970

// tell logs that spans were lost, unless that was done just now.
func tell(err error, spans int) {
	now, last := time.Now().UnixNano(), lastTold.Load()
	if now-last >= int64(toldEvery) && lastTold.CompareAndSwap(last, now) {
		slog.Warn(fmt.Sprintf("%d spans of Go could not be sent and are lost: %v", spans, err))
	}
}
