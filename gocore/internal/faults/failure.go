package faults

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"runtime"
	"syscall"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
)

// FailArgs describe an error.
type FailArgs struct {
	// Code of the error.
	Code string
	// Text of the error.
	Text string `gostitch:"text,default=it failed"`
}

// Fail returns an error of the core with the code and some details.
func Fail(_ context.Context, a FailArgs) (None, error) {
	return None{}, gocore.Errorf(gocore.Code(a.Code), "%s", a.Text).
		With("path", "/some/where").With("count", 3).With("share", 0.5).With("final", true).With("list", []int{1, 2})
}

// DepthArgs say how many errors there are.
type DepthArgs struct {
	// Depth is the number of errors.
	Depth int
}

// FailWrapped returns an error wrapped so many times.
func FailWrapped(_ context.Context, a DepthArgs) (None, error) {
	err := errors.New("the root")
	for i := range a.Depth {
		err = fmt.Errorf("layer %d: %w", i+1, err)
	}
	return None{}, err
}

// FailJoined returns so many errors joined.
func FailJoined(_ context.Context, a DepthArgs) (None, error) {
	var errs []error
	for i := range a.Depth {
		errs = append(errs, gocore.Errorf(gocore.CodeData, "part %d", i))
	}
	return None{}, errors.Join(errs...)
}

// typedError has all three methods of the convention.
type typedError struct {
	callers []uintptr
	cause   error
}

func (e *typedError) Error() string           { return "typed: " + e.cause.Error() }
func (e *typedError) Unwrap() error           { return e.cause }
func (e *typedError) Code() string            { return "brewing" }
func (e *typedError) Details() map[string]any { return map[string]any{"pot": "tea", "cups": 418} }
func (e *typedError) Callers() []uintptr      { return e.callers }

// FailTyped returns an error of a type of its own, with a code of its own, details and the stack
// where it was made.
func FailTyped(context.Context, NoArgs) (None, error) {
	callers := make([]uintptr, 32)
	return None{}, &typedError{callers[:runtime.Callers(1, callers)], os.ErrClosed}
}

// KindArgs choose a kind.
type KindArgs struct {
	// Kind chosen.
	Kind string
}

// standard are errors that the standard library gives.
var standard = map[string]error{
	"deadline":   context.DeadlineExceeded,
	"canceled":   context.Canceled,
	"exists":     &fs.PathError{Op: "open", Path: "/a", Err: syscall.EEXIST},
	"permission": &fs.PathError{Op: "open", Path: "/a", Err: syscall.EACCES},
	"notdir":     &fs.PathError{Op: "open", Path: "/a", Err: syscall.ENOTDIR},
	"isdir":      &fs.PathError{Op: "read", Path: "/a", Err: syscall.EISDIR},
	"full":       &fs.PathError{Op: "write", Path: "/a", Err: syscall.ENOSPC},
	"link":       &os.LinkError{Op: "rename", Old: "/a", New: "/b", Err: syscall.EXDEV},
	"refused":    &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
	"plain":      errors.New("plain"),
	"bytes":      errors.New("not UTF-8: \xff"),
}

// FailStandard returns an error such as the standard library gives.
func FailStandard(_ context.Context, a KindArgs) (None, error) { return None{}, standard[a.Kind] }

// FailTextArgs describe an error that is made of a text.
type FailTextArgs struct {
	// Text of it.
	Text string
	// Wrap is what the function says of it; empty: nothing.
	Wrap string `gostitch:"wrap,default="`
	// Count of such errors, joined.
	Count int `gostitch:"count,default=1"`
}

// FailText returns an error of no type of its own, as most functions make them.
func FailText(_ context.Context, a FailTextArgs) (None, error) {
	err := errors.New(a.Text)
	if a.Count != 1 {
		var all []error
		for i := range a.Count {
			all = append(all, fmt.Errorf("%s %d", a.Text, i))
		}
		err = errors.Join(all...)
	}
	if a.Wrap != "" {
		err = fmt.Errorf("%s: %w", a.Wrap, err)
	}
	return None{}, err
}

// hostileError panics in the method it names.
type hostileError string

func (e hostileError) panicIn(method string) {
	if string(e) == method {
		panic(method + " panics")
	}
}

func (e hostileError) Error() string           { e.panicIn("Error"); return "hostile" }
func (e hostileError) Code() string            { e.panicIn("Code"); return "data" }
func (e hostileError) Details() map[string]any { e.panicIn("Details"); return nil }
func (e hostileError) Callers() []uintptr      { e.panicIn("Callers"); return nil }
func (e hostileError) Unwrap() error           { e.panicIn("Unwrap"); return nil }

// FailHostile returns an error of which one method panics: Error, Code, Details, Callers or
// Unwrap.
func FailHostile(_ context.Context, a KindArgs) (None, error) { return None{}, hostileError(a.Kind) }

// endlessError wraps itself.
type endlessError struct{}

func (e *endlessError) Error() string { return "without end" }
func (e *endlessError) Unwrap() error { return e }

// endlessErrors wraps itself twice.
type endlessErrors struct{}

func (e *endlessErrors) Error() string   { return "without end" }
func (e *endlessErrors) Unwrap() []error { return []error{e, e} }

// FailEndless ends with an error that wraps itself: returned, captured, logged or given to panic.
func FailEndless(ctx context.Context, a KindArgs) (None, error) {
	err := error(&endlessError{})
	switch a.Kind {
	case "several":
		return None{}, &endlessErrors{}
	case "captured":
		sentry.GetHubFromContext(ctx).CaptureException(err)
		return None{}, nil
	case "logged":
		slog.ErrorContext(ctx, "it failed", "err", err)
		return None{}, nil
	case "panic":
		panic(err)
	}
	return None{}, err
}

// FailNil returns a nil pointer as an error, a mistake that every Go programmer makes once.
func FailNil(context.Context, NoArgs) (None, error) {
	var err *gocore.Error
	return None{}, err
}

// PathArgs name a file.
type PathArgs struct {
	// Path of the file.
	Path string `gostitch:"path,path"`
}

// ReadFile returns the content of a file.
func ReadFile(_ context.Context, a PathArgs) ([]byte, error) { return os.ReadFile(a.Path) }

// ListDirectory returns the names in a directory.
func ListDirectory(_ context.Context, a PathArgs) ([]string, error) {
	entries, err := os.ReadDir(a.Path)
	if err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}
