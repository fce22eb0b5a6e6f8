package gocore

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

func newTestCall(timeout time.Duration) *Call {
	return NewCall(&Function{Name: "test.call"}, timeout)
}

// A call is a context: its end closes Done once, with the first error.
func TestCallIsAContext(t *testing.T) {
	t.Parallel()
	c := newTestCall(0)
	if _, has := c.Context().Deadline(); has || c.Context().Err() != nil {
		t.Error("a new call has ended already")
	}
	done := c.Context().Done()
	c.Cancel(context.DeadlineExceeded)
	c.Cancel(context.Canceled)
	<-done
	<-c.Context().Done()
	if !errors.Is(c.Context().Err(), context.DeadlineExceeded) {
		t.Errorf("Err is %v", c.Context().Err())
	}
}

// The deadline cancels the call by itself.
func TestCallDeadline(t *testing.T) {
	t.Parallel()
	c := newTestCall(time.Millisecond)
	<-c.Context().Done()
	if !errors.Is(c.Context().Err(), context.DeadlineExceeded) {
		t.Errorf("Err is %v", c.Context().Err())
	}
}

// Contexts derived from a call end with it and cost no goroutine.
func TestDerivedContexts(t *testing.T) {
	c := newTestCall(0)
	before := runtime.NumGoroutine()
	derived := make([]context.Context, 100)
	for i := range derived {
		var stop context.CancelFunc
		derived[i], stop = context.WithCancel(c.Context())
		defer stop()
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines for 100 contexts", now-before)
	}
	c.Cancel(context.Canceled)
	for _, ctx := range derived {
		<-ctx.Done()
	}
}

// AfterFunc runs once after the end, and not at all when stopped before.
func TestAfterFunc(t *testing.T) {
	t.Parallel()
	c := newTestCall(0)
	ran := make(chan string, 3)
	afterFuncOf(c)(func() { ran <- "first" })
	stop := afterFuncOf(c)(func() { ran <- "stopped" })
	if !stop() || stop() {
		t.Error("stop must tell once that it stopped")
	}
	c.Cancel(context.Canceled)
	if got := <-ran; got != "first" {
		t.Errorf("%q ran", got)
	}
	afterFuncOf(c)(func() { ran <- "late" })
	if got := <-ran; got != "late" {
		t.Errorf("%q ran", got)
	}
}

func afterFuncOf(c *Call) func(func()) func() bool { return c.context.Load().AfterFunc }

type testKey struct{}

// Messages to a call arrive in order; an ended or full call says so.
func TestDeliverAndReceive(t *testing.T) {
	t.Parallel()
	c := newTestCall(0)
	for i := range inboxSize {
		if err := c.Deliver([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Deliver(nil); CodeOf(err) != CodeLimit {
		t.Errorf("a full inbox gave %v", err)
	}
	ctx := context.WithValue(c.Context(), testKey{}, 1)
	for i := range inboxSize {
		if message, err := Receive(ctx); err != nil || message[0] != byte(i) {
			t.Fatalf("message %d is %v, %v", i, message, err)
		}
	}
	c.Cancel(context.Canceled)
	if _, err := Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Receive gave %v", err)
	}
	if err := c.Deliver(nil); CodeOf(err) != CodeClosed {
		t.Errorf("an ended call gave %v", err)
	}
	if _, err := Receive(context.Background()); err == nil {
		t.Error("Receive works outside of a call")
	}
}

// Whatever ends a function, the guard reports exactly once.
func TestGuard(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	cases := map[string]struct {
		run  func() ([]byte, error)
		want Code
	}{
		"return": {func() ([]byte, error) { return []byte("ok"), nil }, ""},
		"error":  {func() ([]byte, error) { return nil, cause }, CodeUnknown},
		"panic":  {func() ([]byte, error) { panic("x") }, CodePanic},
		"nil":    {func() ([]byte, error) { panic(nil) }, CodePanic},
		"goexit": {func() ([]byte, error) { runtime.Goexit(); return nil, nil }, CodePanic},
		"index":  {func() ([]byte, error) { return []byte{[]byte{}[len(cause.Error())-5:][0]}, nil }, CodePanic},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reports []error
			var wait sync.WaitGroup
			wait.Go(func() {
				guard(c.run, func(_ []byte, err error) { reports = append(reports, err) })
			})
			wait.Wait()
			if len(reports) != 1 {
				t.Fatalf("%d reports", len(reports))
			}
			if c.want == "" && reports[0] != nil || c.want != "" && CodeOf(reports[0]) != c.want {
				t.Errorf("reported %v", reports[0])
			}
		})
	}
}

// The stack of a panic begins where it happened and ends before the bridge.
func TestPanicStack(t *testing.T) {
	t.Parallel()
	var list []int
	guard(func() ([]byte, error) { list[len(list)]++; return nil, nil }, func(_ []byte, err error) {
		stack := StackOf(err)
		if len(stack) == 0 || IsRuntimeFrame(stack[0]) {
			t.Errorf("the stack is %v", stack)
		}
	})
}

// A queue wakes its consumer once per batch, keeps the order, and is silent
// after Shut.
func TestQueue(t *testing.T) {
	t.Parallel()
	woken := 0
	q := NewQueue(func() { woken++ })
	take := func(limit int) (tokens []uint64, more bool) {
		more = q.Drain(func(r *Record) bool {
			if len(tokens) == limit {
				return false
			}
			tokens = append(tokens, r.Token)
			return true
		})
		return tokens, more
	}
	for i := range 5 {
		q.push(Record{Token: uint64(i)})
	}
	first, more := take(3)
	q.push(Record{Token: 5})
	rest, none := take(10)
	if woken != 1 || !more || none || len(first) != 3 || len(rest) != 3 || rest[2] != 5 {
		t.Errorf("woken %d times; first %v, more %v; rest %v, more %v", woken, first, more, rest, none)
	}
	q.push(Record{})
	if q.Len() != 1 || woken != 2 {
		t.Errorf("length %d, woken %d", q.Len(), woken)
	}
	q.Shut()
	q.push(Record{})
	if q.Len() != 0 || woken != 2 {
		t.Error("a shut queue took a record")
	}
}

// Goroutines of Go report their panics and are counted while they run.
func TestGoReportsPanics(t *testing.T) {
	reported := make(chan *PanicError, 1)
	SetObserver(&recordingObserver{panics: reported})
	defer observer.Store(nil)
	before := ReadStats()
	release := make(chan struct{})
	Go(context.Background(), func(context.Context) { <-release; panic("later") })
	if ReadStats().Background != before.Background+1 {
		t.Error("the goroutine is not counted")
	}
	close(release)
	if p := <-reported; p.Value != "later" {
		t.Errorf("reported %v", p)
	}
	for ReadStats().Background != before.Background {
		runtime.Gosched()
	}
}

type recordingObserver struct{ panics chan *PanicError }

func (o *recordingObserver) StartCall(ctx context.Context, _ *Call) (context.Context, func(error)) {
	return ctx, nil
}
func (o *recordingObserver) Trace(context.Context) TraceContext {
	return TraceContext{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
}

func (o *recordingObserver) StartRequest(ctx context.Context, _ Outgoing) (context.Context, func(Answer)) {
	return ctx, func(Answer) {}
}

func (o *recordingObserver) Retry(context.Context, error, int, time.Duration) {}
func (o *recordingObserver) Measured(context.Context, *Function, Measurement) {}

func (o *recordingObserver) Headers(context.Context) []Propagated               { return nil }
func (o *recordingObserver) BackgroundPanic(_ context.Context, err *PanicError) { o.panics <- err }
func (o *recordingObserver) Flush(context.Context)                              {}
func (o *recordingObserver) Value(context.Context, any) any                     { return nil }
func (o *recordingObserver) StartBackground(context.Context)                    {}
