package faults

import (
	"context"
	"iter"
	"time"
)

// LingerArgs say for how long to ignore the end of the context.
type LingerArgs struct {
	// Seconds to run.
	Seconds float64
	// Data that is lent meanwhile.
	Data []byte
}

// Linger sleeps, whatever happens to its context, and returns the size of the data.
func Linger(_ context.Context, a LingerArgs) (int, error) {
	time.Sleep(time.Duration(a.Seconds * float64(time.Second)))
	return len(a.Data), nil
}

// LingerWithMessages sends a message and lingers.
func LingerWithMessages(ctx context.Context, a LingerArgs, progress func(Tick)) (int, error) {
	progress(Tick{0, "tick"})
	return Linger(ctx, a)
}

// LingerInStream gives a line and lingers.
func LingerInStream(ctx context.Context, a LingerArgs) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		yield(Line{0, ""}, nil)
		_, _ = Linger(ctx, a)
	}
}
