package faults

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"
)

// How many results of the last stream were drawn, and how many streams have ended.
var drawn, streamEnds atomic.Int64

// StreamArgs say what a stream gives.
type StreamArgs struct {
	// Count of results.
	Count int
	// FailAfter so many results, with an error; negative: never.
	FailAfter int `gostitch:"fail_after,default=-1"`
	// PanicAfter so many results; negative: never.
	PanicAfter int `gostitch:"panic_after,default=-1"`
	// Size of each result's text in bytes.
	Size int `gostitch:"size,default=0"`
	// Pause before each result.
	Pause time.Duration `gostitch:"pause,default=0s"`
}

// Line is one result of a stream.
type Line struct {
	// Number of the result, from 0.
	Number int
	// Text of the result.
	Text string
}

// Lines gives so many results, one after the other.
func Lines(ctx context.Context, a StreamArgs) iter.Seq2[Line, error] {
	text := string(make([]byte, a.Size))
	return func(yield func(Line, error) bool) {
		drawn.Store(0)
		defer streamEnds.Add(1)
		for i := range a.Count {
			switch i {
			case a.FailAfter:
				yield(Line{}, errors.New("the stream failed"))
				return
			case a.PanicAfter:
				panic("the stream panicked")
			}
			if a.Pause > 0 {
				select {
				case <-time.After(a.Pause):
				case <-ctx.Done():
					yield(Line{}, ctx.Err())
					return
				}
			}
			drawn.Add(1)
			if !yield(Line{Number: i, Text: text}, nil) {
				return
			}
		}
	}
}

// Drawn gives how many results of the last stream were drawn.
func Drawn(context.Context, NoArgs) (int64, error) { return drawn.Load(), nil }

// StreamEnds gives how many streams have ended, in whichever way.
func StreamEnds(context.Context, NoArgs) (int64, error) { return streamEnds.Load(), nil }
