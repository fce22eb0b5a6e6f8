package gocore

import (
	"context"
	"runtime"
	"strings"
)

// maxStackFrames bounds a recorded stack; a stack overflow has millions.
const maxStackFrames = 64

// guard runs a call's code and turns whatever ends it into an error: a return,
// a panic, or runtime.Goexit, which no recover sees (hence the flag). After
// Goexit the deferred report is the last thing that runs on the goroutine.
func guard(run func() ([]byte, error), report func([]byte, error)) {
	returned := false
	var reply []byte
	var err error
	defer func() {
		if returned {
			report(reply, err)
			return
		}
		if value := recover(); value != nil {
			report(nil, &PanicError{Value: value, Stack: panicStack()})
			return
		}
		report(nil, &PanicError{Value: "runtime.Goexit was called by the function"})
	}()
	reply, err = run()
	returned = true
}

// panicStack is the stack at the panic without the bridge's own frames below the
// function.
func panicStack() []Frame { return trimStack(stackAtPanic()) }

// stackAtPanic is the stack at the panic, without the deferred functions above it.
func stackAtPanic() []Frame {
	callers := make([]uintptr, maxStackFrames)
	n := runtime.Callers(2, callers)
	frames := framesOf(callers[:n])
	for i, frame := range frames {
		if frame.Function == "runtime.gopanic" {
			frames = frames[i+1:]
			break
		}
	}
	for len(frames) > 0 && strings.HasPrefix(frames[0].Function, "runtime.") {
		frames = frames[1:] // panicmem, sigpanic, goPanicIndex: how, not where
	}
	return frames
}

// bridgeFrames are the first functions of the core below a function of the
// user; frames from there outwards say nothing about the failure.
const bridgePackage = "github.com/gostitch/gostitch/gocore."

func trimStack(frames []Frame) []Frame {
	for i, frame := range frames {
		if strings.HasPrefix(frame.Function, bridgePackage) && i > 0 {
			return frames[:i]
		}
	}
	return frames
}

// Go runs f on a goroutine of its own whose panic is reported to the observer
// instead of ending the process. Functions that leave work behind after they
// return must start it this way: a panic in a bare go statement cannot be
// caught by anyone.
//
// The context keeps the caller's trace but not its cancellation, which comes
// with the end of the call.
func Go(ctx context.Context, f func(ctx context.Context)) {
	ctx = context.WithoutCancel(ctx)
	if o := observer.Load(); o != nil {
		(*o).StartBackground(ctx)
	}
	background.Add(1)
	go guard(
		func() ([]byte, error) { f(ctx); return nil, nil },
		func(_ []byte, err error) {
			defer background.Add(-1)
			if p, isPanic := err.(*PanicError); isPanic {
				defer backgroundPanics.Add(1) // who sees it finds it reported
				if o := observer.Load(); o != nil {
					(*o).BackgroundPanic(ctx, p)
				}
			}
		},
	)
}
