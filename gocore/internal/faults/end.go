package faults

import (
	"context"
	"iter"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// endSeen is when a function last saw its context end, on the clock that
// Python's time.clock_gettime_ns(CLOCK_MONOTONIC) reads.
var endSeen atomic.Int64

// awaiting counts the functions that wait for their end.
var awaiting atomic.Int64

func awaitEnd(ctx context.Context) error {
	awaiting.Add(1)
	<-ctx.Done()
	awaiting.Add(-1)
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return err
	}
	endSeen.Store(now.Nano())
	return ctx.Err()
}

// AwaitEnd waits for the end of its context.
func AwaitEnd(ctx context.Context, _ NoArgs) (None, error) { return None{}, awaitEnd(ctx) }

// AwaitEndWithMessages sends a message and waits for the end of its context.
func AwaitEndWithMessages(ctx context.Context, _ NoArgs, progress func(Tick)) (None, error) {
	progress(Tick{0, "tick"})
	return None{}, awaitEnd(ctx)
}

// AwaitEndInStream gives a line and waits for the end of its context.
func AwaitEndInStream(ctx context.Context, _ NoArgs) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		if yield(Line{0, ""}, nil) {
			yield(Line{}, awaitEnd(ctx))
			return
		}
		_ = awaitEnd(ctx)
	}
}

// EndSeen gives when a function last saw its context end, in nanoseconds of the
// system's monotonic clock.
func EndSeen(context.Context, NoArgs) (int64, error) { return endSeen.Load(), nil }

// AwaitingEnd gives how many functions wait for the end of their context.
func AwaitingEnd(context.Context, NoArgs) (int64, error) { return awaiting.Load(), nil }
