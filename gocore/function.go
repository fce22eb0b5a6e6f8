package gocore

import (
	"bytes"
	"context"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gostitch/gostitch/gocore/codec"
)

// Function is a registered Go function. It is immutable and safe for
// concurrent use.
type Function struct {
	Name     string
	Contract codec.Contract
	File     string // where the Go function stands, for spans and stacks; empty for a method of a value
	Line     int
	GoName   string

	// make gives a call of the function, with room for its arguments and result;
	// recycle takes it back when nobody refers to it any more, and used holds it.
	make    func() *Call
	recycle func(*Call)
	used    sync.Pool
	limit   atomic.Pointer[limiter] // nil: none
	meter   atomic.Pointer[meter]   // nil: nobody counts
	// run runs the function and appends its encoded result to out.
	run        func(ctx context.Context, c *Call, out []byte) ([]byte, error)
	endOnce    sync.Once
	ended      *Call
	labels     context.Context // of goroutines that run it
	lastTraced atomic.Pointer[traced]
	looks      atomic.Int32 // at goroutines after its calls
	// open prepares a submitted call before it starts; nil if there is nothing to do.
	open func(c *Call)
}

// frame is a call and everything else that it needs, in one allocation.
type frame[A, R any] struct {
	Call
	args   A
	result R
}

// Register makes a Go function callable from Python under a name of the form
// "module.function". A is a struct whose fields are the arguments, R the
// result; struct tags give Python names and defaults (see codec.TagKey).
//
// Call it from a function Register() of your package, which the library calls
// when it is loaded, or from init. It never panics, since a panic during init would
// abort the Python process that loads the library; what is wrong with a
// function is reported when the library is opened.
func Register[A, R any](name string, f func(context.Context, A) (R, error)) {
	register(name, reflect.ValueOf(f), func() (*Function, error) {
		return compile(name, func(ctx context.Context, _ *Call, args A) (R, error) { return f(ctx, args) })
	})
}

// RegisterMessages is Register for a function that sends messages of type M
// while it runs, progress for instance. The send function it receives is safe
// for concurrent use, blocks while too many messages wait for Python, and
// does nothing when the caller asked for no messages.
func RegisterMessages[A, M, R any](name string, f func(context.Context, A, func(M)) (R, error)) {
	register(name, reflect.ValueOf(f), func() (*Function, error) {
		message, err := codec.Compile[M]()
		if err != nil {
			return nil, Errorf(CodeInvalidArgument, "message %w", err)
		}
		function, err := compile(name, func(ctx context.Context, c *Call, args A) (R, error) {
			return f(ctx, args, func(m M) { c.send(message, unsafe.Pointer(&m)) })
		})
		if err == nil {
			function.Contract.Message = message.Schema
			function.recycle = nil // the send function may outlive the call
		}
		return function, err
	})
}

// compile builds the codec plans of a function and the closure that runs it.
func compile[A, R any](name string, f func(context.Context, *Call, A) (R, error)) (*Function, error) {
	args, err := codec.CompileArguments[A]()
	if err != nil {
		return nil, Errorf(CodeInvalidArgument, "arguments %w", err)
	}
	if args.Schema.Kind != codec.KindStruct {
		return nil, Errorf(CodeInvalidArgument, "the arguments must be a struct, not %s", reflect.TypeFor[A]())
	}
	result, err := codec.Compile[R]()
	if err != nil {
		return nil, Errorf(CodeInvalidArgument, "result %w", err)
	}
	isBytes := result.IsBytes()
	return &Function{
		Name:     name,
		Contract: codec.Contract{Name: name, Args: args.Schema, Result: result.Schema},
		make:     func() *Call { return &new(frame[A, R]).Call },
		recycle: func(c *Call) {
			fr := (*frame[A, R])(unsafe.Pointer(c))
			var args A
			var result R
			fr.args, fr.result = args, result
			c.Trace, c.input, c.end, c.held = nil, codec.Input{}, nil, nil
			if c.moments.wanted {
				c.moments = moments{}
			}
			if c.traced.Load() != nil {
				c.traced.Store(nil)
			}
			c.Function.used.Put(c)
		},
		run: func(ctx context.Context, c *Call, out []byte) ([]byte, error) {
			// SAFETY: the call was made by make, where it is the first field.
			fr := (*frame[A, R])(unsafe.Pointer(c))
			timed := c.moments.wanted
			if timed {
				c.moments.taken = now()
			}
			if err := args.DecodeInput(&c.input, unsafe.Pointer(&fr.args)); err != nil {
				return nil, argumentError(err)
			}
			var err error
			if timed {
				c.moments.began = now()
			}
			c.inside = true
			fr.result, err = f(ctx, c, fr.args)
			c.inside = false
			if timed {
				c.moments.returned = now()
			}
			if err != nil {
				return nil, err
			}
			if isBytes {
				return replyBytes(out, *(*[]byte)(unsafe.Pointer(&fr.result)), &c.input), nil
			}
			if result.Holds() {
				output := codec.NewOutput(out, &c.input)
				result.Give(&output, unsafe.Pointer(&fr.result))
				c.held = output.Held
				return output.Frame, nil
			}
			return result.Append(out, unsafe.Pointer(&fr.result)), nil
		},
	}, nil
}

// replyBytes gives the bytes to reply with. A function may return a part of
// what it was given; that memory is lent by Python for the call only, so such a
// result is always copied.
func replyBytes(out, result []byte, in *codec.Input) []byte {
	if len(result) < codec.CopyBelow {
		return append(out, result...)
	}
	if in.Lends(result) {
		return bytes.Clone(result)
	}
	return result
}

func argumentError(err error) error {
	code := CodeInvalidArgument
	v, isValue := err.(*codec.ValueError)
	if !isValue {
		return err
	}
	if v.TypeMismatch {
		code = CodeWrongType
	}
	return Errorf(code, "%s", v.Reason).With("argument", v.Path)
}

// methodValue is what Go adds to the name of a method that is bound to a value,
// and generated is the file that it has, since nobody wrote it.
const (
	methodValue = "-fm"
	generated   = "<autogenerated>"
)

// locate fills in where the Go function stands, as far as Go knows.
func (f *Function) locate(v reflect.Value) {
	pc := runtime.FuncForPC(v.Pointer())
	if pc == nil {
		return
	}
	f.GoName = strings.TrimSuffix(pc.Name(), methodValue)
	if file, line := pc.FileLine(v.Pointer()); file != generated {
		f.File, f.Line = file, line
	}
}
