package gocore

import (
	"context"
	"time"
)

// closePoll is how often Close looks whether the calls have ended.
const closePoll = time.Millisecond

// Close cancels every submitted call, waits until they have ended, then flushes
// the observer, all within the timeout. It returns the number of calls that
// still run; a call that a thread waits for is that thread's: it is cancelled if all
// shall be, and not waited for.
func Close(timeout time.Duration, all bool) int64 {
	ctx, stop := context.WithTimeout(context.Background(), timeout)
	defer stop()
	eachRunning(func(c *Call) {
		if all || c.isSubmitted() {
			c.Cancel(context.Canceled)
		}
	})
	tick := time.NewTicker(closePoll)
	defer tick.Stop()
	for anySubmitted() && ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if o := observer.Load(); o != nil {
		(*o).Flush(ctx)
	}
	return countRunning()
}

func anySubmitted() (found bool) {
	submitted.Range(func(_, c any) bool {
		found = c.(*Call).isSubmitted()
		return !found
	})
	return found
}
