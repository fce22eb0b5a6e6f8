package gocore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
)

// Live counts. Each is zero when nothing is under way; tests check that.
var (
	background       atomic.Int64 // goroutines started through Go
	backgroundPanics atomic.Int64 // since the library was opened
)

// Request is a call as it comes over the boundary.
type Request struct {
	Function uint32
	Timeout  time.Duration // 0: none
	Trace    []byte        // see Call.Trace
	Frame    []byte        // the encoded arguments
	Buffers  [][]byte      // bytes that cross beside the frame
	Started  int64         // when it began, on the clock CLOCK_MONOTONIC, in ns
	Number   uint64        // of a call by the thread that receives Ctrl-C; for Submit: not 0 if a thread waits; 0: any other
	Thread   int           // that calls Execute, as the kernel numbers them; 0: not known
	// Events is set by Execute: a number for TakeEvents, or 0.
	Events uint32
	// Held is set by Execute: memory that the payload refers to, which must stay
	// where it is as long as the payload is used.
	Held []unsafe.Pointer
	// Spans is set by Execute: how many bytes at the end of out are a message of spans that Python
	// has to handle before the call returns; -1: there was no room for it.
	Spans int
}

// Execute runs a call and waits for it. The reply is appended to out if it
// fits there, and is Go memory of its own otherwise.
func Execute(r *Request, out []byte) (payload []byte, status int) {
	f, err := functionAt(r.Function)
	if err != nil {
		return AppendError(out, err), StatusError
	}
	c := reuseCall(f, r)
	c.lend(r.Frame, r.Buffers)
	c.exit = endOfProcess
	c.traceAs(r.Trace)
	payload, err = c.run(out)
	payload, status = c.reply(out, payload, err)
	if e := c.context.Load().events.Load(); e != nil {
		r.Events = e.ended()
	}
	r.Held, c.held = c.held, nil // who keeps the context of a call keeps no memory
	if c.spans != nil {
		r.Spans = c.putSpans(out[:cap(out)], payload)
	}
	if f.recycle != nil && c.deadline == nil && status == StatusOK {
		f.recycle(c)
	} else {
		mainCall.CompareAndSwap(c, nil) // what it was given and gave is kept by nobody
	}
	return payload, status
}

// putSpans writes the message of spans to the end of the memory that the reply may be at the beginning of.
func (c *Call) putSpans(memory, reply []byte) int {
	room := len(memory)
	if unsafe.SliceData(reply) == unsafe.SliceData(memory) {
		room -= len(reply)
	}
	message := c.takeSpans(room)
	if len(message) > room {
		return -1
	}
	return copy(memory[len(memory)-len(message):], message)
}

// lend gives the function what Python lends it.
func (c *Call) lend(frame []byte, buffers [][]byte) {
	c.beginMetering(frame, buffers)
	if loansAreChecked.Load() {
		c.input = c.lendChecked(frame, buffers)
		return
	}
	c.input = codec.NewInput(frame, buffers)
}

// endOfProcess has the last word before Go ends the process: a thread of Python
// cannot be ended by runtime.Goexit, nor can anything stop it. Running every
// call on a goroutine of its own would, for 10 times the cost of a small call;
// a submitted call has one and survives.
func endOfProcess(c *Call) {
	fmt.Fprintf(os.Stderr, "gostitch: %s() called runtime.Goexit on a thread of Python, so Go must end the process; return an error instead\n", c.Function.Name)
}

// run runs the function and turns a panic into its error. It does not return
// if the function called runtime.Goexit, which no recover sees: then exit is
// the last thing that runs on the goroutine.
func (c *Call) run(out []byte) (payload []byte, err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			payload, err = nil, c.panicked(value)
			return
		}
		c.exit(c)
	}()
	c.label()
	ctx := context.Context(c.context.Load())
	if o := observer.Load(); o != nil {
		ctx, c.end = (*o).StartCall(ctx, c)
		if c.begun != 0 {
			c.observed = context.Background()
			if c.end != nil || len(c.Trace) > 0 {
				c.observed = ctx
			}
		}
		if c.end != nil && c.sendsMessages() {
			c.tellTrace(ctx, 0)
		}
	}
	switch err = c.context.Load().Err(); {
	case err != nil: // it ended before it began
	case c.loans != nil:
		payload, err = c.runChecked(ctx, out)
	default:
		payload, err = c.Function.runLimited(ctx, c, out)
	}
	returned = true
	return payload, err
}

// panicked gives the error for a panic: the function's, or the bridge's own.
func (c *Call) panicked(value any) error {
	if !c.inside {
		return Break(value)
	}
	return &PanicError{Value: explainFault(value), Stack: panicStack()}
}

// reply ends the call and gives what the caller receives.
func (c *Call) reply(out, payload []byte, err error) ([]byte, int) {
	status := StatusOK
	if err != nil {
		if status = StatusError; c.hasCaptured(err) {
			status = StatusCaptured
		}
		payload = c.fail(out, err)
	} else if c.end != nil {
		c.end(nil)
	}
	c.endMetering(payload)
	c.finish()
	return payload, status
}

// fail encodes the error and ends the observation. The methods of an error are
// the user's code as well: if one panics, that is what is reported.
func (c *Call) fail(out []byte, err error) (frame []byte) {
	encode := func() ([]byte, error) {
		err = c.explain(err)
		c.noteError(err)
		return appendCallError(out, c.Function, err), nil
	}
	guard(encode, func(encoded []byte, hostile error) {
		if hostile != nil {
			err = hostile
			c.noteError(err)
			encoded = AppendError(out, hostile)
		}
		frame = encoded
	})
	if c.end != nil {
		guard(func() ([]byte, error) { c.end(err); return nil, nil }, func([]byte, error) {})
	}
	return frame
}

// explain says of an error that came out of an ended context that the end was
// the reason: what a function returns then is often only "use of closed
// connection".
func (c *Call) explain(err error) error {
	var panicked *PanicError
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.IsNil() {
		return Errorf(CodeUnknown, "%s() returned a nil %T as its error; return nil itself for success", c.Function.Name, err)
	}
	err = Finite(err)
	ended := c.context.Load().Err()
	if ended == nil || errors.As(err, &panicked) {
		return err
	}
	if errors.Is(ended, context.DeadlineExceeded) {
		return Errorf(CodeTimeout, "%s() did not finish within its timeout: %w", c.Function.Name, err)
	}
	return Errorf(CodeCancelled, "%s() was cancelled: %w", c.Function.Name, err)
}

// submitted holds the running calls that have a token.
var submitted sync.Map // uint64 -> *Call

// Submit starts a call on a goroutine of its own; its reply arrives on the
// queue as a record with the token. Trace and frame may be reused by the
// caller at once; the buffers must stay as they are until the reply.
func Submit(r *Request, token uint64, queue *Queue, wantMessages bool) error {
	f, err := functionAt(r.Function)
	if err != nil {
		return err
	}
	own := *r
	own.Number = 0 // Ctrl-C means none of these
	c := newCall(f, &own)
	c.Token, c.queue = token, queue
	if r.Number != 0 {
		c.waited.Store(true)
	}
	// One copy for both; the caller's memory is gone when the goroutine runs.
	owned := append(append(make([]byte, 0, len(r.Trace)+len(r.Frame)), r.Trace...), r.Frame...)
	c.traceAs(owned[:len(r.Trace):len(r.Trace)])
	c.lend(owned[len(r.Trace):], r.Buffers)
	if wantMessages {
		c.outbox = newOutbox(queue)
		if f.open != nil {
			f.open(c)
		}
	}
	if _, taken := submitted.LoadOrStore(token, c); taken {
		c.finish()
		return Errorf(CodeInvalidArgument, "token %d is in use", token)
	}
	answer := func(payload []byte, err error) {
		c.closed.Store(true)
		payload, status := c.reply(nil, payload, err)
		submitted.Delete(token)
		if spans := c.takeSpans(mostSpanBytes); spans != nil {
			queue.push(Record{Kind: RecordSpans, Payload: spans})
		}
		queue.push(Record{Kind: RecordReply, Token: token, Status: status, Payload: payload, Held: c.held})
		c.held = nil
	}
	c.exit = func(*Call) {
		answer(nil, &PanicError{Value: "runtime.Goexit was called by the function"})
	}
	// Who has replies to handle will not wait for this one.
	startWorker(func() {
		defer func() {
			if value := recover(); value != nil {
				submitted.Delete(token)
				queue.push(Record{Kind: RecordReply, Token: token, Status: StatusError, Payload: AppendError(nil, Break(value))})
			}
		}()
		answer(c.run(nil))
		f.endIfLocked()
	}, queue.Len() == 0)
	return nil
}

// mostSpanBytes bounds the spans that come with the reply of a submitted call.
const mostSpanBytes = 1 << 16

// Cancel cancels a submitted call; a token that is not running is no error,
// since the reply may be on its way.
func Cancel(token uint64) {
	if c, running := submitted.Load(token); running {
		c.(*Call).waited.Store(false) // or not for long
		c.(*Call).Cancel(context.Canceled)
	}
}

// Handled in a token says that messages of its call were handled.
const Handled = 1 << 63

// Send delivers a message from Python to a submitted call, or tells it with
// Handled how many of its own were handled; token 0 is for the answers to
// questions that belong to no call.
func Send(token uint64, message []byte) error {
	if token == 0 {
		return hostAnswers.take(message)
	}
	running, found := submitted.Load(token &^ Handled)
	if !found {
		return Errorf(CodeClosed, "the call has ended")
	}
	c := running.(*Call)
	switch {
	case token&Handled == 0:
		return c.Deliver(message)
	case c.outbox == nil:
		return Errorf(CodeInvalidArgument, "%s sends no messages", c.Function.Name)
	}
	return c.outbox.handled(message)
}
