package gocore

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore/codec"
)

// twisted is an error of which one method panics.
type twisted string

func (e twisted) at(method string) {
	if string(e) == method {
		panic(method + " panics")
	}
}

func (e twisted) Error() string           { e.at("Error"); return "twisted" }
func (e twisted) Code() string            { e.at("Code"); return "data" }
func (e twisted) Details() map[string]any { e.at("Details"); return map[string]any{"a": 1} }
func (e twisted) Callers() []uintptr      { e.at("Callers"); return nil }
func (e twisted) Unwrap() error           { e.at("Unwrap"); return nil }
func (e twisted) As(any) bool             { e.at("As"); return false }
func (e twisted) Is(error) bool           { e.at("Is"); return false }

type kindArgs struct{ Kind string }

type dataArgs struct {
	Data        []byte
	Start, Stop int
}

func init() {
	Register("test.twisted", func(_ context.Context, a kindArgs) (int64, error) { return 0, twisted(a.Kind) })
	Register("test.nil_error", func(context.Context, addArgs) (int64, error) {
		var err *Error
		return 0, err
	})
	Register("test.goexit", func(context.Context, addArgs) (int64, error) { runtime.Goexit(); return 0, nil })
	Register("test.slice", func(_ context.Context, a dataArgs) ([]byte, error) { return a.Data[a.Start:a.Stop], nil })
	Register("test.late_error", func(ctx context.Context, _ addArgs) (int64, error) {
		<-ctx.Done()
		return 0, errors.New("use of closed connection")
	})
	Register("test.late_success", func(ctx context.Context, _ addArgs) (int64, error) { <-ctx.Done(); return 1, nil })
}

func execute(t *testing.T, name string, r Request) (string, int) {
	t.Helper()
	r.Function = numberOf(t, name)
	reply, status := Execute(&r, nil)
	return string(reply), status
}

// An error whose own methods panic is reported, not passed on to the thread
// that called, where nothing could recover it.
func TestErrorsThatPanic(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Error", "Code", "Details", "Callers", "Unwrap", "As", "Is"} {
		frame := codec.AppendString([]byte{0x91}, method)
		reply, status := execute(t, "test.twisted", Request{Frame: frame})
		if status != StatusError {
			t.Errorf("%s: status %d", method, status)
		}
		if method != "Is" && method != "As" && !strings.Contains(reply, method+" panic") {
			t.Errorf("%s: replied %q", method, reply)
		}
	}
}

// A typed nil is a mistake that the reply explains.
func TestNilPointerAsError(t *testing.T) {
	t.Parallel()
	reply, status := execute(t, "test.nil_error", Request{Frame: twoThree})
	if status != StatusError || !strings.Contains(reply, "test.nil_error() returned a nil *gocore.Error as its error") {
		t.Errorf("replied %q, status %d", reply, status)
	}
}

// A submitted function that calls Goexit replies, and its worker is replaced.
func TestGoexitOfSubmittedCalls(t *testing.T) {
	t.Parallel()
	for token := range uint64(2 * maxIdleWorkers) {
		record := submitAndWait(t, "test.goexit", twoThree, 5000+token)
		if record.Status != StatusError || !strings.Contains(string(record.Payload), "runtime.Goexit was called") {
			t.Fatalf("replied %q", record.Payload)
		}
	}
	if record := submitAndWait(t, "test.add", twoThree, 5000); record.Status != StatusOK {
		t.Errorf("replied %q", record.Payload)
	}
}

func submitAndWait(t *testing.T, name string, frame []byte, token uint64) (reply Record) {
	t.Helper()
	woken := make(chan struct{}, 1)
	q := NewQueue(func() { woken <- struct{}{} })
	if err := Submit(&Request{Function: numberOf(t, name), Frame: frame}, token, q, false); err != nil {
		t.Fatal(err)
	}
	<-woken
	q.Drain(func(r *Record) bool { reply = *r; return true })
	return reply
}

// Submit copies frame and trace: the caller may reuse them at once.
func TestSubmitCopiesWhatIsLent(t *testing.T) {
	t.Parallel()
	woken := make(chan struct{}, 1)
	q := NewQueue(func() { woken <- struct{}{} })
	for token := range uint64(200) {
		frame, trace := bytes.Clone(twoThree), []byte("00-trace")
		r := &Request{Function: numberOf(t, "test.add"), Frame: frame, Trace: trace}
		if err := Submit(r, 6000+token, q, false); err != nil {
			t.Fatal(err)
		}
		clear(frame)
		clear(trace)
		<-woken
		q.Drain(func(r *Record) bool {
			if string(r.Payload) != "\x05" {
				t.Errorf("replied %q", r.Payload)
			}
			return true
		})
	}
}

// A result that lies in memory lent by the caller is copied out of it.
func TestRepliesDoNotAliasLentMemory(t *testing.T) {
	t.Parallel()
	lent := bytes.Repeat([]byte("x"), 3*codec.CopyBelow)
	frame := []byte{0x93, 0xd6, codec.BufferExt, 0, 0, 0, 0, 0xcd, 0, 10, 0xcd, 0x20, 0}
	reply, status := execute(t, "test.slice", Request{Frame: frame, Buffers: [][]byte{lent}})
	if status != StatusOK || len(reply) != 0x2000-10 {
		t.Fatalf("%d bytes, status %d", len(reply), status)
	}
	r := Request{Function: numberOf(t, "test.slice"), Frame: frame, Buffers: [][]byte{lent}}
	payload, _ := Execute(&r, nil)
	if in := codec.NewInput(nil, r.Buffers); in.Lends(payload) {
		t.Error("the reply is a part of what was lent")
	}
}

// What a function returns after its context ended is explained by the end; a
// success is a success.
func TestErrorsAfterTheEnd(t *testing.T) {
	t.Parallel()
	reply, status := execute(t, "test.late_error", Request{Frame: twoThree, Timeout: 20 * time.Millisecond})
	if status != StatusError || !strings.Contains(reply, "did not finish within its timeout: use of closed connection") {
		t.Errorf("replied %q", reply)
	}
	if reply, status := execute(t, "test.late_success", Request{Frame: twoThree, Timeout: 20 * time.Millisecond}); status != StatusOK {
		t.Errorf("replied %q", reply)
	}
	if reply, status := execute(t, "test.late_success", Request{Frame: twoThree, Timeout: -1}); status != StatusError {
		t.Errorf("a call whose deadline had passed began: %q", reply)
	}
}

// Interrupt cancels the main thread's call and no other.
func TestInterrupt(t *testing.T) {
	number := numberOf(t, "test.wait")
	main, other := make(chan string), make(chan string)
	context1 := Request{Function: number, Frame: twoThree, Number: 7}
	go func() { reply, _ := Execute(&context1, nil); main <- string(reply) }()
	go func() {
		reply, _ := Execute(&Request{Function: number, Frame: twoThree, Timeout: 100 * time.Millisecond}, nil)
		other <- string(reply)
	}()
	running := func() bool {
		c := mainCall.Load()
		return c != nil && c.isOpen()
	}
	for !running() {
		runtime.Gosched()
	}
	Interrupt(6) // which has ended
	Interrupt(7)
	if reply := <-main; !strings.Contains(reply, "was cancelled") {
		t.Errorf("the main call replied %q", reply)
	}
	if reply := <-other; !strings.Contains(reply, "timeout") {
		t.Errorf("the other call replied %q", reply)
	}
	Interrupt(7) // nothing to cancel
}

// An interrupt that is faster than its call cancels that call, and not the next one.
func TestInterruptBeforeTheCall(t *testing.T) {
	number := numberOf(t, "test.wait")
	Interrupt(21)
	reply, _ := Execute(&Request{Function: number, Frame: twoThree, Number: 21}, nil)
	if !strings.Contains(string(reply), "was cancelled") {
		t.Errorf("the call that was meant replied %q", reply)
	}
	reply, _ = Execute(&Request{Function: number, Frame: twoThree, Number: 22, Timeout: time.Millisecond}, nil)
	if !strings.Contains(string(reply), "timeout") {
		t.Errorf("the next call replied %q", reply)
	}
}

// Sending to a call that does not run, or does not listen, fails.
func TestSend(t *testing.T) {
	t.Parallel()
	if err := Send(424242, nil); CodeOf(err) != CodeClosed {
		t.Errorf("sending to nobody: %v", err)
	}
	woken := make(chan struct{}, 1)
	q := NewQueue(func() { woken <- struct{}{} })
	if err := Submit(&Request{Function: numberOf(t, "test.wait"), Frame: twoThree}, 7000, q, false); err != nil {
		t.Fatal(err)
	}
	for range inboxSize {
		if err := Send(7000, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := Send(7000, nil); CodeOf(err) != CodeLimit {
		t.Errorf("sending too much: %v", err)
	}
	Cancel(7000)
	<-woken
}

// Many goroutines submit, cancel and drain at once.
func TestSubmitConcurrently(t *testing.T) {
	t.Parallel()
	const callers, calls = 8, 200
	woken := make(chan struct{}, callers*calls)
	q := NewQueue(func() { woken <- struct{}{} })
	request := &Request{Function: numberOf(t, "test.add"), Frame: twoThree}
	var group sync.WaitGroup
	for caller := range uint64(callers) {
		group.Go(func() {
			for call := range uint64(calls) {
				token := 10_000 + caller*calls + call
				if err := Submit(request, token, q, false); err != nil {
					t.Error(err)
				}
				if call%3 == 0 {
					Cancel(token)
				}
			}
		})
	}
	replies := map[uint64]bool{}
	for len(replies) < callers*calls {
		<-woken
		q.Drain(func(r *Record) bool { replies[r.Token] = true; return true })
	}
	group.Wait()
}
