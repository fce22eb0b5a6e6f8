package gocore

import (
	"fmt"
	"log/slog"
	"sync/atomic"
)

// brokenError is what every call ends with after the bridge itself has panicked:
// nobody knows what state it is in.
type brokenError struct {
	value any
	stack []Frame
}

// broken is why the library takes no calls any more; nil while it does.
var broken atomic.Pointer[brokenError]

// Error says what happened and what can be done.
func (e *brokenError) Error() string {
	return fmt.Sprintf("gostitch itself panicked (%s), so this process's library takes no more calls; start the process anew, and report this with its Go stack", describe(e.value))
}

// Code gives the code word.
func (e *brokenError) Code() string { return string(CodeInternal) }

// describe survives a value whose methods panic.
func describe(value any) (text string) {
	if err, isError := value.(error); isError {
		return MessageOf(err)
	}
	return fmt.Sprint(value)
}

// Break takes the library out of use, for what recover gave on a path that is not
// the user's, and gives the error to report. The first one counts, and is logged.
func Break(value any) error {
	e := &brokenError{value: value, stack: stackAtPanic()}
	if !broken.CompareAndSwap(nil, e) {
		return broken.Load()
	}
	guard(func() ([]byte, error) {
		slog.Error(e.Error(), "stack", FormatStack(e.stack))
		return nil, nil
	}, func([]byte, error) {})
	return e
}

// Broken gives why the library takes no calls any more, or nil.
func Broken() error {
	if e := broken.Load(); e != nil {
		return e
	}
	return nil
}
