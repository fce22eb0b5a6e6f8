package gocore

import (
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
)

// RegisterCallback is Register for a function that asks its caller while it
// runs: a Python callable takes a question of type Q and gives an answer of type
// P. The ask function is safe for concurrent use and waits for the answer
// or the end of its context. If the callable raises, ask returns a
// CallbackError; a function that returns it, or an error that wraps it, makes
// its caller see the very exception.
func RegisterCallback[A, Q, P, R any](name string, f func(context.Context, A, func(context.Context, Q) (P, error)) (R, error)) {
	register(name, reflect.ValueOf(f), func() (*Function, error) {
		question, err := codec.Compile[Q]()
		if err != nil {
			return nil, Errorf(CodeInvalidArgument, "question %w", err)
		}
		answer, err := codec.CompileTaken[P]()
		if err != nil {
			return nil, Errorf(CodeInvalidArgument, "answer %w", err)
		}
		function, err := compile(name, func(ctx context.Context, c *Call, args A) (R, error) {
			return f(ctx, args, func(ctx context.Context, q Q) (p P, err error) {
				output := codec.NewOutput(nil, &c.input)
				question.Give(&output, unsafe.Pointer(&q))
				reply, err := c.ask(ctx, &output)
				if err == nil {
					err = answer.Decode(reply, nil, unsafe.Pointer(&p))
				}
				return p, err
			})
		})
		if err == nil {
			function.Contract.Question, function.Contract.Answer = question.Schema, answer.Schema
			function.recycle = nil // the ask function may outlive the call
			function.open = func(c *Call) { c.answers = &answers{waiting: map[uint32]chan []byte{}} }
		}
		return function, err
	})
}

// CallbackError says that the caller's callable raised an exception.
type CallbackError struct {
	Type    string // of the exception, as Python prints it
	Message string

	question uint32
}

// Error gives the exception as the last line of a Python traceback does.
func (e *CallbackError) Error() string {
	return fmt.Sprintf("the callback raised %s: %s", e.Type, e.Message)
}

// Details tell Python which of its exceptions this is.
func (e *CallbackError) Details() map[string]any {
	return map[string]any{"question": int64(e.question)}
}

// answers are the questions of a call that wait for Python.
type answers struct {
	mu      sync.Mutex
	last    uint32                 // guarded by mu
	waiting map[uint32]chan []byte // guarded by mu; by question
}

// expect gives the number of a new question, and where its answer will come.
func (a *answers) expect() (number uint32, reply chan []byte) {
	// One answer; whoever answers must not wait for one who has given up.
	reply = make(chan []byte, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	a.waiting[a.last] = reply
	return a.last, reply
}

// forget gives up waiting for the answer to a question.
func (a *answers) forget(number uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, number)
}

// ask sends a question and waits for the answer's frame.
func (c *Call) ask(ctx context.Context, question *codec.Output) ([]byte, error) {
	a := c.answers
	if a == nil || c.outbox == nil {
		return nil, Errorf(CodeInvalidArgument, "%s asks its caller; submit it and answer its questions", c.Function.Name)
	}
	if c.closed.Load() {
		return nil, Errorf(CodeClosed, "the call of %s has ended, so nobody can be asked", c.Function.Name)
	}
	number, reply := a.expect()
	defer a.forget(number)
	c.tellTrace(ctx, number)
	c.outbox.queue.push(Record{Kind: RecordQuestion, Token: c.Token, Status: int(number), Payload: question.Frame, Held: question.Held})
	select {
	case message := <-reply:
		return readAnswer(number, message)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.context.Load().Done():
		return nil, c.context.Load().Err()
	}
}

// tellTrace sends the trace context under which a question is asked, before it;
// number 0 is for all messages of the call.
func (c *Call) tellTrace(ctx context.Context, number uint32) {
	if trace := TraceOf(ctx); !trace.IsEmpty() {
		c.outbox.queue.push(Record{Kind: RecordTrace, Token: c.Token, Status: int(number), Payload: trace.lines()})
	}
}

// The first byte of an answer, after the number of its question.
const (
	answerValue = 0 // the frame of the value follows
	answerError = 1 // a frame [type, message] of the exception follows
)

// answerHeader is the size of what stands before an answer's frame: the
// number of the question, 4 bytes, little-endian, and one of the above.
const answerHeader = 5

// take hands an answer to who asked; a question that nobody waits for any more
// is no error.
func (a *answers) take(message []byte) error {
	if len(message) < answerHeader {
		return Errorf(CodeInvalidArgument, "an answer begins with %d bytes, not %d", answerHeader, len(message))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	number := binary.LittleEndian.Uint32(message)
	if reply, waits := a.waiting[number]; waits {
		delete(a.waiting, number)
		reply <- message
	}
	return nil
}

func readAnswer(number uint32, message []byte) ([]byte, error) {
	frame := message[answerHeader:]
	if message[answerHeader-1] == answerValue {
		return frame, nil
	}
	raised := &CallbackError{question: number}
	n, rest, err := msgp.ReadArrayHeaderBytes(frame)
	if err == nil && n == 2 {
		raised.Type, rest, err = msgp.ReadStringBytes(rest)
	}
	if err == nil {
		raised.Message, _, err = msgp.ReadStringBytes(rest)
	}
	if err != nil {
		return nil, Errorf(CodeUnknown, "the answer does not say what was raised: %w", err)
	}
	return nil, raised
}
