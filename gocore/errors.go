package gocore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/gostitch/gostitch/gocore/codec"
	"github.com/tinylib/msgp/msgp"
)

// Code says which kind of failure an error is. Each code is one exception
// class in Python; the twin of this list is python/gostitch/exceptions.py, and
// codec/testdata/frames holds one error frame of each code, read by both.
type Code string

// The codes. A function chooses one by returning an error that has a method
// Code() string; for errors of the standard library CodeOf decides.
const (
	CodeUnknown         Code = "unknown"          // GoError
	CodeInvalidArgument Code = "invalid_argument" // GoValueError
	CodeWrongType       Code = "wrong_type"       // GoTypeError
	CodeNotFound        Code = "not_found"        // GoFileNotFoundError
	CodeExists          Code = "exists"           // GoFileExistsError
	CodePermission      Code = "permission"       // GoPermissionError
	CodeNotADirectory   Code = "not_a_directory"  // GoNotADirectoryError
	CodeIsADirectory    Code = "is_a_directory"   // GoIsADirectoryError
	CodeIO              Code = "io"               // GoOSError
	CodeData            Code = "data"             // GoDataError
	CodeUnsafe          Code = "unsafe"           // GoUnsafeError
	CodeLimit           Code = "limit"            // GoLimitError
	CodeUnavailable     Code = "unavailable"      // GoConnectionError
	CodeTimeout         Code = "timeout"          // GoTimeoutError
	CodeCancelled       Code = "cancelled"        // GoCancelledError
	CodePanic           Code = "panic"            // GoPanic
	CodeClosed          Code = "closed"           // GoClosedError
	CodeOffline         Code = "offline"          // GoOfflineError
	CodeInternal        Code = "internal"         // GoInternalError
)

// Codes lists every code.
func Codes() []Code {
	return []Code{
		CodeUnknown, CodeInvalidArgument, CodeWrongType, CodeNotFound, CodeExists, CodePermission,
		CodeNotADirectory, CodeIsADirectory, CodeIO, CodeData, CodeUnsafe, CodeLimit, CodeUnavailable,
		CodeTimeout, CodeCancelled, CodePanic, CodeClosed, CodeOffline, CodeInternal,
	}
}

// Error is an error made by the core itself, or by a function that wants a
// code, details and a message without a type of its own.
type Error struct {
	code    Code
	message string
	details map[string]any
	cause   error
}

// Errorf makes an error with a code; %w names its cause as in fmt.Errorf.
func Errorf(code Code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	e := &Error{code: code, message: wrapped.Error(), cause: errors.Unwrap(wrapped)}
	if _, several := wrapped.(interface{ Unwrap() []error }); several {
		e.cause = wrapped
	}
	return e
}

// With returns a copy with one more detail (a bool, integer, float or string).
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.details = map[string]any{key: value}
	for k, v := range e.details {
		if k != key {
			c.details[k] = v
		}
	}
	return &c
}

// Error gives the message.
func (e *Error) Error() string { return e.message }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Code gives the code word.
func (e *Error) Code() string { return string(e.code) }

// Details gives what a caller can act on.
func (e *Error) Details() map[string]any { return e.details }

// PanicError is a panic that the guard recovered.
type PanicError struct {
	Value any     // what was given to panic
	Stack []Frame // of the panicking goroutine, innermost first
}

// Error says what the panic said.
func (e *PanicError) Error() string { return fmt.Sprint(e.Value) }

// Unwrap gives the panic's value if it is an error (a runtime.Error, say).
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Code gives the code word.
func (e *PanicError) Code() string { return string(CodePanic) }

// CodeOf finds the code of an error: the outermost method Code() string that
// gives a word, or what errors of the standard library mean.
func CodeOf(err error) Code {
	var coded interface{ Code() string }
	for e := err; errors.As(e, &coded); {
		if word := coded.Code(); word != "" {
			return Code(word)
		}
		inner, _ := coded.(error)
		if e = errors.Unwrap(inner); e == nil {
			break
		}
	}
	for _, known := range standardCodes {
		if errors.Is(err, known.target) {
			return known.code
		}
	}
	if _, isOS := errnoOf(err); isOS {
		return CodeIO
	}
	return CodeUnknown
}

var standardCodes = []struct {
	target error
	code   Code
}{
	{context.DeadlineExceeded, CodeTimeout},
	{context.Canceled, CodeCancelled},
	{os.ErrDeadlineExceeded, CodeTimeout},
	{fs.ErrNotExist, CodeNotFound},
	{fs.ErrExist, CodeExists},
	{fs.ErrPermission, CodePermission},
	{syscall.ENOTDIR, CodeNotADirectory},
	{syscall.EISDIR, CodeIsADirectory},
}

func errnoOf(err error) (syscall.Errno, bool) {
	var errno syscall.Errno
	found := errors.As(err, &errno)
	return errno, found
}

// detailsOf merges what the error says of itself with what the standard
// library's errors carry: the path and the error number.
func detailsOf(err error) map[string]any {
	details := map[string]any{}
	var pathError *fs.PathError
	var linkError *os.LinkError
	switch {
	case errors.As(err, &pathError):
		details["path"] = pathError.Path
	case errors.As(err, &linkError):
		details["path"] = linkError.Old
	}
	if errno, isOS := errnoOf(err); isOS {
		details["errno"] = int64(errno)
	}
	var detailed interface{ Details() map[string]any }
	if errors.As(err, &detailed) {
		for key, value := range detailed.Details() {
			details[key] = value
		}
	}
	return details
}

// TypeOf names the type of an error as it crosses.
func TypeOf(err error) string {
	if p, isPanic := err.(*PanicError); isPanic {
		if _, isError := p.Value.(error); !isError {
			return "panic"
		}
		return typeName(p.Value)
	}
	return typeName(err)
}

// maxCauses bounds the chain that crosses; deeper causes are in the text of
// the outer errors already.
const maxCauses = 16

// AppendError writes an error frame: [code, type, message, details, stack,
// causes, function], where each cause is such an array again. The function is the
// one whose call has ended, as callers name it; empty for none, and of causes.
func AppendError(out []byte, err error) []byte {
	budget := maxCauses
	return appendError(out, err, MessageOf(err), stackOf(err), "", &budget)
}

// appendCallError is AppendError for what ended a call of the function: where an
// argument is at fault, the message says whose, and where no stack was recorded,
// the function itself is one, at the place where it is declared.
func appendCallError(out []byte, f *Function, err error) []byte {
	message := MessageOf(err)
	if argument, known := detailsOf(err)["argument"]; known {
		message = fmt.Sprintf("%s() argument %v: %s", f.Name, argument, message)
	}
	stack := stackOf(err)
	if f.GoName != "" && StackOf(err) == nil {
		stack = []Frame{{Function: f.GoName, File: f.File, Line: f.Line, declared: true}}
	}
	budget := maxCauses
	return appendError(out, err, message, stack, f.Name, &budget)
}

func appendError(out []byte, err error, message string, stack []Frame, function string, budget *int) []byte {
	*budget--
	out = msgp.AppendArrayHeader(out, 7)
	out = codec.AppendString(out, string(CodeOf(err)))
	out = codec.AppendString(out, TypeOf(err))
	out = codec.AppendString(out, message)
	out = appendDetails(out, detailsOf(err))
	out = appendStack(out, stack)
	causes := causesOf(err)
	causes = causes[:max(0, min(len(causes), *budget))]
	out = msgp.AppendArrayHeader(out, uint32(len(causes)))
	for _, cause := range causes {
		out = appendError(out, cause, MessageOf(cause), stackOf(cause), "", budget)
	}
	return codec.AppendString(out, function)
}

// MessageOf gives the text of an error. It survives an Error method that panics, which would otherwise hide
// the failure it should report.
func MessageOf(err error) (text string) {
	defer func() {
		if recovered := recover(); recovered != nil {
			text = fmt.Sprintf("the Error method of %T panicked: %v", err, recovered)
		}
	}()
	return err.Error()
}

// causesOf gives the direct causes. A cause that says nothing its wrapper does
// not (the same text, or a bare error number) is passed over.
func causesOf(err error) []error {
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		cause := wrapper.Unwrap()
		if cause == nil {
			return nil
		}
		if _, bare := cause.(syscall.Errno); bare {
			return nil
		}
		if MessageOf(cause) == MessageOf(err) && stackOf(cause) == nil {
			return causesOf(cause)
		}
		return []error{cause}
	case interface{ Unwrap() []error }:
		return wrapper.Unwrap()
	case interface{ Cause() error }: // as before Go 1.13
		if cause := wrapper.Cause(); cause != nil {
			return []error{cause}
		}
	}
	return nil
}

func appendDetails(out []byte, details map[string]any) []byte {
	out = msgp.AppendMapHeader(out, uint32(len(details)))
	for _, key := range sortedKeys(details) {
		out = codec.AppendString(out, key)
		switch value := details[key].(type) {
		case bool:
			out = msgp.AppendBool(out, value)
		case int:
			out = msgp.AppendInt(out, value)
		case int64:
			out = msgp.AppendInt64(out, value)
		case float64:
			out = msgp.AppendFloat64(out, value)
		default:
			out = codec.AppendString(out, fmt.Sprint(value))
		}
	}
	return out
}
