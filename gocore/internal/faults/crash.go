package faults

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// CrashArgs choose a crash.
type CrashArgs struct {
	// Kind is one of: map, stack, goroutine, memory.
	Kind string
}

// Crash ends the process as no recover can prevent.
func Crash(ctx context.Context, a CrashArgs) (None, error) {
	switch a.Kind {
	case "map":
		writeConcurrently(map[int]int{})
	case "stack":
		debug.SetMaxStack(1 << 20) // for speed: a stack of the usual 1 GB takes seconds
		return None{}, descend(ctx, 0)
	case "goroutine":
		go panic("in a bare goroutine")
	case "memory":
		runtime.KeepAlive(make([]byte, 1<<46)) // more than a machine has
	}
	time.Sleep(time.Minute)
	return None{}, nil
}

// writeConcurrently does what Go's maps forbid.
func writeConcurrently(table map[int]int) {
	var writers sync.WaitGroup
	for range 4 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			for i := range 100_000_000 {
				table[i%100] = i
			}
		}()
	}
	writers.Wait()
}

// descend calls itself until the stack is at its end.
func descend(ctx context.Context, depth int) error {
	if depth < 0 {
		return ctx.Err()
	}
	return descend(ctx, depth+1)
}
