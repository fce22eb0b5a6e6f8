package archive

import (
	"context"
	"runtime"
	"sync"
)

// crew produces jobs in one goroutine and works on them in as many as there
// are cores (at least two, since half of the work is waiting for the system).
// The first error stops everything and is the result. Every job emitted is
// dropped exactly once, worked on or not. It returns when all goroutines have
// ended.
type crew[T any] struct {
	produce func(ctx context.Context, emit func(T) error) error
	worker  func(ctx context.Context) func(T) error // called once per goroutine
	drop    func(T)
	queue   int
}

func (c crew[T]) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	jobs := make(chan T, c.queue)
	var all sync.WaitGroup
	for range max(2, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			work := c.worker(ctx)
			for job := range jobs {
				if ctx.Err() == nil {
					if err := work(job); err != nil {
						stop(err)
					}
				}
				c.drop(job)
			}
		})
	}
	err := c.produce(ctx, func(job T) error {
		select {
		case jobs <- job:
			return nil
		case <-ctx.Done():
			c.drop(job)
			return ctx.Err()
		}
	})
	if err != nil {
		stop(err)
	}
	close(jobs)
	all.Wait()
	return context.Cause(ctx)
}
