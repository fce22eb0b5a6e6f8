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
)

// Live counts. Each is zero when nothing is under way; tests check that.
var (
	inFlight         atomic.Int64 // calls being run, waited for or not
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
	Main     bool          // made by the thread that receives Ctrl-C
}

// Execute runs a call and waits for it. The reply is appended to out if it
// fits there, and is Go memory of its own otherwise.
func Execute(r *Request, out []byte) (payload []byte, status int) {
	f, err := functionAt(r.Function)
	if err != nil {
		return AppendError(out, err), StatusError
	}
	c := NewCall(f, r.Timeout)
	c.Trace = r.Trace
	if r.Main {
		defer enterMain(c)()
	}
	returned := false
	defer func() {
		if !returned {
			fmt.Fprintf(os.Stderr, goexitInline, f.Name)
		}
	}()
	inFlight.Add(1)
	c.execute(input{frame: r.Frame, buffers: r.Buffers}, out, func(p []byte, s int) { payload, status = p, s })
	returned = true
	return payload, status
}

// goexitInline is the last word before Go ends the process: a thread of Python
// cannot be ended by runtime.Goexit, nor can anything stop it. Running every
// call on a goroutine of its own would, for 10 times the cost of a small call;
// a submitted call has one and survives.
const goexitInline = "gostitch: %s() called runtime.Goexit on a thread of Python, so Go must end the process; return an error instead\n"

// execute runs the function inside the guard and the observer, and replies
// exactly once on every path, runtime.Goexit included.
//
// The caller has counted the call as in flight: one that waits for its
// goroutine to run is under way, too.
func (c *Call) execute(in input, out []byte, reply func(payload []byte, status int)) {
	var end func(error)
	guard(
		func() ([]byte, error) {
			var ctx context.Context
			ctx, end = startCall(c)
			if ended := c.Err(); ended != nil {
				return nil, ended // before it began
			}
			return c.Function.run(ctx, c, in, out)
		},
		func(payload []byte, err error) {
			status := StatusOK
			if err != nil {
				payload, status = c.fail(out, err, end), StatusError
			} else if end != nil {
				end(nil)
			}
			c.finish()
			inFlight.Add(-1)
			reply(payload, status)
		},
	)
}

// fail encodes the error and ends the observation. The methods of an error are
// the user's code as well: if one panics, that is what is reported.
func (c *Call) fail(out []byte, err error, end func(error)) (frame []byte) {
	encode := func() ([]byte, error) {
		err = c.explain(err)
		return appendCallError(out, c.Function.Name, err), nil
	}
	guard(encode, func(encoded []byte, hostile error) {
		if hostile != nil {
			err = hostile
			encoded = AppendError(out, hostile)
		}
		frame = encoded
	})
	if end != nil {
		guard(func() ([]byte, error) { end(err); return nil, nil }, func([]byte, error) {})
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
	ended := c.Err()
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
	c := NewCall(f, r.Timeout)
	c.Token = token
	// One copy for both; the caller's memory is gone when the goroutine runs.
	owned := append(append(make([]byte, 0, len(r.Trace)+len(r.Frame)), r.Trace...), r.Frame...)
	c.Trace = owned[:len(r.Trace):len(r.Trace)]
	in := input{frame: owned[len(r.Trace):], buffers: r.Buffers}
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
	inFlight.Add(1)
	startWorker(func() {
		c.execute(in, nil, func(payload []byte, status int) {
			submitted.Delete(token)
			queue.push(Record{Kind: RecordReply, Token: token, Status: status, Payload: payload})
		})
	})
	return nil
}

// Cancel cancels a submitted call; a token that is not running is no error,
// since the reply may be on its way.
func Cancel(token uint64) {
	if c, running := submitted.Load(token); running {
		c.(*Call).Cancel(context.Canceled)
	}
}

// Send delivers a message from Python to a submitted call.
func Send(token uint64, message []byte) error {
	c, running := submitted.Load(token)
	if !running {
		return Errorf(CodeClosed, "the call has ended")
	}
	return c.(*Call).Deliver(message)
}
