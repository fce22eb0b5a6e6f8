package gocore

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
)

// Frame is one line of a Go stack.
type Frame struct {
	Function string
	File     string
	Line     int

	// declared tells that nothing ran there: it is where the function is declared that has
	// returned an error without a stack.
	declared bool
}

// framesOf resolves program counters, innermost first.
func framesOf(callers []uintptr) []Frame {
	if len(callers) == 0 {
		return nil
	}
	var out []Frame
	frames := runtime.CallersFrames(callers)
	for {
		frame, more := frames.Next()
		if frame.Function != "" {
			out = append(out, Frame{Function: frame.Function, File: frame.File, Line: frame.Line})
		}
		if !more {
			return out
		}
	}
}

// StackOf gives the first stack that the error or one of its causes carries,
// innermost frame first, or nil.
func StackOf(err error) []Frame {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if stack := stackOf(e); stack != nil {
			return stack
		}
	}
	return nil
}

// FormatStack writes a stack as Go prints it.
func FormatStack(stack []Frame) string {
	var b strings.Builder
	for _, f := range stack {
		fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
	}
	return b.String()
}

// IsRuntimeFrame tells whether a frame belongs to the Go runtime or the
// standard library rather than to somebody's code: the first element of such
// an import path has no dot, and it is below no module that the library was built from.
func IsRuntimeFrame(f Frame) bool {
	first, _, isDeep := strings.Cut(f.Function, "/")
	if isDeep && strings.Contains(first, ".") || strings.HasPrefix(f.Function, "main.") {
		return false
	}
	return !slices.ContainsFunc(shortModules(), func(module string) bool {
		return strings.HasPrefix(f.Function, module+".") || strings.HasPrefix(f.Function, module+"/")
	})
}

// shortModules gives the modules of the build whose paths look like the standard library's.
// A variable for tests.
var shortModules = sync.OnceValue(func() (out []string) {
	info, known := debug.ReadBuildInfo()
	if !known {
		return nil
	}
	for _, each := range append(info.Deps, &info.Main) {
		if first, _, _ := strings.Cut(each.Path, "/"); first != "" && !strings.Contains(first, ".") {
			out = append(out, each.Path)
		}
	}
	return out
})

// stackOf gives the stack an error carries: a panic's, or the one recorded
// where the error was made (the Callers convention of go-errors and sentry-go).
func stackOf(err error) []Frame {
	switch e := err.(type) {
	case *PanicError:
		return e.Stack
	case *brokenError:
		return e.stack
	case endless:
		return stackOf(e.error)
	}
	if callers := recordedCallers(err); len(callers) > 0 {
		return trimStack(framesOf(callers))
	}
	return nil
}

// appendStack writes lines [function, file, line], with true behind them where the function is
// only declared there.
func appendStack(out []byte, stack []Frame) []byte {
	out = msgp.AppendArrayHeader(out, uint32(len(stack)))
	for _, frame := range stack {
		if frame.declared {
			out = msgp.AppendArrayHeader(out, 4)
		} else {
			out = msgp.AppendArrayHeader(out, 3)
		}
		out = codec.AppendString(out, frame.Function)
		out = codec.AppendString(out, frame.File)
		out = msgp.AppendInt(out, frame.Line)
		if frame.declared {
			out = msgp.AppendBool(out, true)
		}
	}
	return out
}
