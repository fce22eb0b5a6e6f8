package gocore

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
)

// plainTypes only wrap another error, or have nothing but a text.
var plainTypes = []string{
	fmt.Sprintf("%T", fmt.Errorf("%w", errors.ErrUnsupported)),
	fmt.Sprintf("%T", fmt.Errorf("%w%w", errors.ErrUnsupported, errors.ErrUnsupported)),
	fmt.Sprintf("%T", errors.New("")),
	fmt.Sprintf("%T", errors.Join(errors.ErrUnsupported)),
	fmt.Sprintf("%T", &Error{}),
	// What was done when these happened says more.
	fmt.Sprintf("%T", syscall.Errno(0)),
	fmt.Sprintf("%T", &os.SyscallError{}),
}

// UsefulError gives the innermost error in a chain whose type says something; else the innermost one.
// Spans and log records name its type.
func UsefulError(err error) error {
	var useful error
	last := err
	for e := err; e != nil; e = errors.Unwrap(e) {
		last = e
		if !slices.Contains(plainTypes, fmt.Sprintf("%T", e)) {
			useful = e
		}
	}
	return cmp.Or(useful, last)
}

// ErrorType is what error.type says of an error: its code, or its type if that says nothing.
func ErrorType(err error) string {
	code := CodeOf(err)
	if code == CodeUnknown {
		return TypeOf(UsefulError(err))
	}
	return string(code)
}
