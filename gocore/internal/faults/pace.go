package faults

import (
	"context"
	"sync"
	"time"

	"github.com/gostitch/gostitch/gocore"
)

// SleepArgs say how long.
type SleepArgs struct {
	// Seconds to take.
	Seconds float64
}

func (a SleepArgs) duration() time.Duration { return time.Duration(a.Seconds * float64(time.Second)) }

// Sleep waits and returns the seconds, or the context's error as soon as it ends.
func Sleep(ctx context.Context, a SleepArgs) (float64, error) {
	timer := time.NewTimer(a.duration())
	defer timer.Stop()
	select {
	case <-timer.C:
		return a.Seconds, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// SpinIgnoringContext keeps a processor busy, whatever happens to its context.
func SpinIgnoringContext(_ context.Context, a SleepArgs) (int64, error) {
	turns := int64(0)
	for end := time.Now().Add(a.duration()); time.Now().Before(end); {
		turns++
	}
	return turns, nil
}

// TurnsArgs say how many.
type TurnsArgs struct {
	// Turns of the loop.
	Turns int64
}

// SpinWithoutCalls keeps a processor busy by a loop in which nothing but a signal can stop a goroutine.
func SpinWithoutCalls(_ context.Context, a TurnsArgs) (int64, error) {
	sum := int64(1)
	for i := range a.Turns {
		sum = sum*3 + i
	}
	return sum, nil
}

// Goroutines starts so many goroutines with contexts of their own and waits for them.
func Goroutines(ctx context.Context, a SizeArgs) (int, error) {
	var group sync.WaitGroup
	results := make(chan int, a.Size)
	for range a.Size {
		inner, stop := context.WithTimeout(ctx, time.Hour)
		group.Go(func() {
			defer stop()
			if inner.Err() == nil {
				results <- 1
			}
		})
	}
	group.Wait()
	return len(results), ctx.Err()
}

// Background leaves a goroutine behind that ends by itself, and returns.
func Background(ctx context.Context, a SleepArgs) (None, error) {
	gocore.Go(ctx, func(context.Context) { time.Sleep(a.duration()) })
	return None{}, nil
}
