package gocore

import (
	"context"
	"errors"
	"maps"
	"runtime/pprof"
	"sync"
	"testing"
	"time"
)

// A function may keep its context: it has ended for ever, although the memory
// of its call serves the calls that come after it.
func TestContextsOutliveTheirCalls(t *testing.T) {
	t.Parallel()
	var kept []context.Context
	var mu sync.Mutex
	keep := func(ctx context.Context, _ struct{}) (struct{}, error) {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, ctx)
		for _, before := range kept[:len(kept)-1] {
			if before.Err() == nil {
				t.Error("an old context lives again")
			}
		}
		if ctx.Err() != nil {
			t.Errorf("a new context has ended: %v", ctx.Err())
		}
		return struct{}{}, nil
	}
	Register("test.keep_context", keep)
	r := Request{Function: numberOf(t, "test.keep_context"), Frame: []byte{0x90}}
	for range 3 * contextsAtOnce {
		if _, status := Execute(&r, nil); status != StatusOK {
			t.Fatal("the call failed")
		}
	}
	for _, ctx := range kept {
		<-ctx.Done()
		if !errors.Is(ctx.Err(), context.Canceled) || CallFrom(ctx).Function.Name != "test.keep_context" {
			t.Errorf("an old context is %v", ctx.Err())
		}
	}
}

// Labels for profiles that a function adds join those by which a crash report names its call, and
// do not take them away in the end.
func TestLabelsOfAFunction(t *testing.T) {
	t.Parallel()
	var within, after map[string]string
	work := func(ctx context.Context, _ struct{}) (struct{}, error) {
		pprof.Do(ctx, pprof.Labels("step", "one"), func(ctx context.Context) { within = labelsOf(ctx) })
		after = labelsOf(ctx)
		return struct{}{}, nil
	}
	Register("test.add_labels", work)
	trace := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r := Request{Function: numberOf(t, "test.add_labels"), Frame: []byte{0x90}, Trace: []byte(trace)}
	if _, status := Execute(&r, nil); status != StatusOK {
		t.Fatal("the call failed")
	}

	want := map[string]string{labelCall: "test.add_labels", labelTrace: trace[3:35]}
	if !maps.Equal(want, after) {
		t.Errorf("the call has the labels %v", after)
	}
	want["step"] = "one"
	if !maps.Equal(want, within) {
		t.Errorf("the step has the labels %v", within)
	}
}

func labelsOf(ctx context.Context) map[string]string {
	found := map[string]string{}
	pprof.ForLabels(ctx, func(key, value string) bool {
		found[key] = value
		return true
	})
	return found
}

// What a context says of its deadline does not change with the end of the call,
// and whether the deadline or the end came first stays settled.
func TestContextsKeepTheirDeadline(t *testing.T) {
	t.Parallel()
	var kept context.Context
	keep := func(ctx context.Context, wait struct{ Whole bool }) (struct{}, error) {
		kept = ctx
		if wait.Whole {
			<-ctx.Done()
		}
		return struct{}{}, nil
	}
	Register("test.keep_deadline", keep)
	for _, each := range []struct {
		whole   byte // MessagePack's true or false
		timeout time.Duration
		want    error
	}{
		{0xc2, time.Hour, context.Canceled},
		{0xc3, time.Millisecond, context.DeadlineExceeded},
	} {
		before := time.Now()
		// On a busy machine it may pass before the function begins.
		for kept = nil; kept == nil; each.timeout *= 2 {
			Execute(&Request{Function: numberOf(t, "test.keep_deadline"), Timeout: each.timeout, Frame: []byte{0x91, each.whole}}, nil)
		}
		<-kept.Done()
		if kept.Err() != each.want {
			t.Errorf("after a timeout of %v the context says %v", each.timeout, kept.Err())
		}
		if at, has := kept.Deadline(); !has || at.Before(before.Add(each.timeout/2)) {
			t.Errorf("the deadline of %v is %v, %v", each.timeout, at, has)
		}
	}
}

// Goroutines that a function leaves behind may do anything with its context at
// any moment; each is told the end, and no later call is disturbed.
func TestContextsUnderFire(t *testing.T) {
	t.Parallel()
	var left sync.WaitGroup
	leave := func(ctx context.Context, _ struct{}) (struct{}, error) {
		for _, use := range []func(){
			func() { <-ctx.Done() },
			func() { ended := make(chan struct{}); context.AfterFunc(ctx, func() { close(ended) }); <-ended },
			func() { inner, stop := context.WithTimeout(ctx, time.Hour); defer stop(); <-inner.Done() },
			func() {
				for ctx.Err() == nil {
					_, _ = ctx.Deadline()
				}
			},
		} {
			left.Go(use)
		}
		return struct{}{}, ctx.Err()
	}
	Register("test.leave_goroutines", leave)
	function := numberOf(t, "test.leave_goroutines")
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			// One of its own: Execute notes in it what the reply refers to.
			r := Request{Function: function, Frame: []byte{0x90}}
			for range 300 {
				if reply, status := Execute(&r, nil); status != StatusOK {
					t.Errorf("a call was disturbed: %q", reply)
				}
			}
		})
	}
	callers.Wait()
	left.Wait()
}
