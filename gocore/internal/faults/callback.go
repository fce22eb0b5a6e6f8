package faults

import (
	"context"
	"fmt"
	"sync"

	"github.com/gostitch/gostitch/gocore"
)

// Question is what a function asks.
type Question struct {
	// Number of the question, from 0.
	Number int
	// Text of the question.
	Text string
}

// AskArgs say what to ask.
type AskArgs struct {
	// Count of questions.
	Count int
	// Parallel questions at a time.
	Parallel int `gostitch:"parallel,default=1"`
	// Wrap the error of a callback in one of the function's own.
	Wrap bool `gostitch:"wrap,default=false"`
	// Ignore the errors of callbacks, and count them as -1.
	Ignore bool `gostitch:"ignore,default=false"`
}

// Ask asks so many questions and returns the sum of the answers.
func Ask(ctx context.Context, a AskArgs, answer func(context.Context, Question) (int, error)) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var workers sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for range a.Parallel {
		workers.Go(func() {
			for number := range numbers {
				got, err := answer(ctx, Question{number, fmt.Sprintf("what is %d?", number)})
				if err != nil && a.Ignore {
					got, err = -1, nil
				}
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				sum += got
				mu.Unlock()
			}
		})
	}
	for number := range a.Count {
		select {
		case numbers <- number:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(numbers)
	workers.Wait()
	err := context.Cause(ctx)
	if err != nil && a.Wrap {
		err = fmt.Errorf("while asking: %w", err)
	}
	return sum, err
}

// AskLate asks from a goroutine that outlives the call, and returns at once.
func AskLate(ctx context.Context, _ NoArgs, answer func(context.Context, Question) (int, error)) (None, error) {
	started := make(chan struct{})
	gocore.Go(ctx, func(ctx context.Context) {
		<-started
		if _, err := answer(ctx, Question{}); err == nil {
			panic("a call that has ended could ask")
		}
	})
	defer close(started)
	return None{}, nil
}
