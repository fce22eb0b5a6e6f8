package gocore

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// Limit bounds the calls of a function. The zero value bounds nothing.
type Limit struct {
	// Concurrency is how many run at once; 0: any number.
	Concurrency int
	// Queue is how many wait for their turn at most; those beyond are refused.
	Queue int
	// Timeout of calls that come without one; 0: none.
	Timeout time.Duration
}

// Limited is the state of a function's limit.
type Limited struct {
	// Function with the limit.
	Function string
	// Concurrency is how many may run at once.
	Concurrency int
	// Running calls now.
	Running int
	// Waiting calls for their turn.
	Waiting int
	// Refused calls since the limit was set, which found the queue full.
	Refused int
}

// limiter keeps a limit; it is replaced as a whole when the limit changes.
type limiter struct {
	Limit
	turns   chan struct{} // nil: any number
	waiting atomic.Int64
	refused atomic.Int64
}

func newLimiter(l Limit) *limiter {
	if l == (Limit{}) {
		return nil
	}
	made := &limiter{Limit: l}
	if l.Concurrency > 0 {
		made.turns = make(chan struct{}, l.Concurrency)
	}
	return made
}

// SetLimits replaces the limits of all functions; those that have none of their
// own get the default. An error names a function that is not there, and then nothing
// has changed.
func SetLimits(limits map[string]Limit, standard Limit) error {
	functions := Functions()
	for name := range limits {
		if !slices.ContainsFunc(functions, func(f *Function) bool { return f.Name == name }) {
			return Errorf(CodeInvalidArgument, "there is no function %q to limit; correct its name in limits", name)
		}
	}
	for _, f := range functions {
		l, has := limits[f.Name]
		if !has {
			l = standard
		}
		if l.Timeout == 0 {
			l.Timeout = standard.Timeout
		}
		f.limit.Store(newLimiter(l))
	}
	return nil
}

// limited gives the state of the limits of concurrency.
func limited() []Limited {
	found := []Limited{}
	for _, f := range Functions() {
		if l := f.limit.Load(); l != nil && l.turns != nil {
			found = append(found, Limited{f.Name, l.Concurrency, len(l.turns), int(l.waiting.Load()), int(l.refused.Load())})
		}
	}
	return found
}

// timeout gives the timeout of a call that came with this one, 0 being none.
func (f *Function) timeout(given time.Duration) time.Duration {
	if l := f.limit.Load(); l != nil && given == 0 {
		return l.Timeout
	}
	return given
}

// runLimited runs the function when it is its turn.
func (f *Function) runLimited(ctx context.Context, c *Call, out []byte) ([]byte, error) {
	l := f.limit.Load()
	if l == nil || l.turns == nil {
		return f.run(ctx, c, out)
	}
	if err := l.enter(ctx, f.Name); err != nil {
		return nil, err
	}
	defer func() { <-l.turns }()
	return f.run(ctx, c, out)
}

// enter waits for a turn; those who came first are first.
func (l *limiter) enter(ctx context.Context, name string) error {
	select {
	case l.turns <- struct{}{}:
		return nil
	default:
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > int64(l.Queue) {
		l.refused.Add(1)
		return Errorf(CodeLimit, "%s() is limited to %d calls at once and %d that wait, and there are so many; call it less often, or raise its limit with gostitch.configure(limits=...)", name, l.Concurrency, l.Queue)
	}
	select {
	case l.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
