package faults

import (
	"context"
	"time"

	"github.com/gostitch/gostitch/gocore"
)

// BreakBridgeArgs choose where the bridge panics.
type BreakBridgeArgs struct {
	// Where is one of: start, end, flush.
	Where string
}

// BreakBridge makes the bridge itself panic in a later call, by an observer that does.
func BreakBridge(_ context.Context, a BreakBridgeArgs) (None, error) {
	gocore.SetObserver(brokenObserver{a.Where})
	return None{}, nil
}

// brokenObserver stands for code of the bridge around a call.
type brokenObserver struct{ where string }

func (o brokenObserver) StartCall(ctx context.Context, _ *gocore.Call) (context.Context, func(error)) {
	if o.where == "start" {
		panic("the bridge is broken at the start")
	}
	return ctx, func(error) {
		if o.where == "end" {
			panic("the bridge is broken at the end")
		}
	}
}

func (o brokenObserver) Trace(context.Context) gocore.TraceContext { return gocore.TraceContext{} }

func (o brokenObserver) Headers(context.Context) []gocore.Propagated { return nil }

func (o brokenObserver) StartRequest(ctx context.Context, _ gocore.Outgoing) (context.Context, func(gocore.Answer)) {
	return ctx, func(gocore.Answer) {}
}

func (o brokenObserver) Retry(context.Context, error, int, time.Duration) {}

func (o brokenObserver) Measured(context.Context, *gocore.Function, gocore.Measurement) {}

func (o brokenObserver) Value(context.Context, any) any { return nil }

func (o brokenObserver) StartBackground(context.Context) {}

func (o brokenObserver) BackgroundPanic(context.Context, *gocore.PanicError) {}

func (o brokenObserver) Flush(context.Context) {
	if o.where == "flush" {
		panic("the bridge is broken at the flush")
	}
}
