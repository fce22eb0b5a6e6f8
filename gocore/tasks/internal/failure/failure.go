// Package failure is the one error type of the task packages: a code, the
// details a caller can act on, the cause, and the stack where it was made.
//
// It knows nothing of Python or of gostitch. The code words and the three
// small methods Code, Details and Callers are the convention by which whoever
// runs a task (gocore, sentry-go, a plain Go program) reads more than text
// from an error.
package failure

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
)

// The code words a task may use. They are a subset of the list in
// gocore/errors.go; a test there keeps the two in step.
const (
	// CodeInvalidArgument means the caller passed a value that cannot work.
	CodeInvalidArgument = "invalid_argument"
	// CodeData means that input was read but is corrupt, truncated or has the
	// wrong digest.
	CodeData = "data"
	// CodeUnsafe means that input was refused because following it would
	// leave the place the caller allowed (a path or link escape, a device).
	CodeUnsafe = "unsafe"
	// CodeLimit means that a bound set by the caller was reached.
	CodeLimit = "limit"
	// CodeUnavailable means that a server did not answer as it should.
	CodeUnavailable = "unavailable"
)

// maxFrames bounds the recorded stack; task stacks are far shallower.
const maxFrames = 32

// Error is a failed task step. It is immutable after construction and safe
// for concurrent use.
type Error struct {
	code    string
	text    string
	details map[string]any
	cause   error
	callers []uintptr
}

// Argument reports that the argument called name has a value that cannot
// work; the text says why and what would.
func Argument(name, format string, args ...any) *Error {
	return newError(CodeInvalidArgument, map[string]any{"argument": name}, format, args)
}

// Data reports that the file at path holds something other than it should.
func Data(path, format string, args ...any) *Error {
	return newError(CodeData, map[string]any{"path": path}, format, args)
}

// Unsafe reports that an entry of the file at path was refused.
func Unsafe(path, entry, format string, args ...any) *Error {
	return newError(CodeUnsafe, map[string]any{"path": path, "entry": entry}, format, args)
}

// Limit reports that the bound called argument was reached.
func Limit(argument, format string, args ...any) *Error {
	return newError(CodeLimit, map[string]any{"argument": argument}, format, args)
}

// Unavailable reports that the server behind url did not answer as it should.
func Unavailable(url, format string, args ...any) *Error {
	return newError(CodeUnavailable, map[string]any{"url": url}, format, args)
}

// At adds the stack to an error of the operating system or a library and
// keeps its meaning: errors.Is and errors.As see through it. Where a disk is
// full the text also says what to do. A nil error stays nil, and an error that already carries a stack is returned as it is.
func At(err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	e := newError("", nil, "", nil)
	e.text, e.cause = err.Error()+remedy(err), err
	var path *fs.PathError
	if errors.As(err, &path) {
		e.details = map[string]any{"path": path.Path}
	}
	return e
}

// newError records the stack of the constructor's caller.
func newError(code string, details map[string]any, format string, args []any) *Error {
	callers := make([]uintptr, maxFrames)
	const skip = 3 // runtime.Callers, newError, the exported constructor
	n := runtime.Callers(skip, callers)
	wrapped := fmt.Errorf(format, args...)
	return &Error{
		code:    code,
		text:    wrapped.Error(),
		details: details,
		cause:   errors.Unwrap(wrapped),
		callers: callers[:n],
	}
}

// With adds one detail to a copy of the error, so that chained calls never
// change an error somebody else holds.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.details = make(map[string]any, len(e.details)+1)
	maps.Copy(c.details, e.details)
	c.details[key] = value
	return &c
}

// Error gives the text.
func (e *Error) Error() string { return e.text }

// Unwrap gives the cause: what the format's %w named, or the error given to At.
func (e *Error) Unwrap() error { return e.cause }

// Code gives the code word, or "" where the cause decides (see At).
func (e *Error) Code() string { return e.code }

// Details gives what a caller can act on; the map must not be changed.
func (e *Error) Details() map[string]any { return e.details }

// Callers gives the program counters where the error was made, innermost
// first, in the form sentry-go and go-errors read.
func (e *Error) Callers() []uintptr { return e.callers }
