package gocore

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The error of the core keeps what it wraps, several too, and its details.
func TestErrorf(t *testing.T) {
	t.Parallel()
	one, two := errors.New("one"), errors.New("two")
	err := Errorf(CodeData, "both: %w, %w", one, two)
	if !errors.Is(err, one) || !errors.Is(err, two) {
		t.Error("a cause was lost")
	}
	if err.Error() != "both: one, two" || err.Code() != "data" {
		t.Errorf("got %v", err)
	}
	if errors.Unwrap(Errorf(CodeData, "%w", one)) != one {
		t.Error("the only cause was lost")
	}
	first := err.With("a", 1)
	second := first.With("a", 2).With("b", 3)
	if len(err.Details()) != 0 || !maps.Equal(first.Details(), map[string]any{"a": 1}) ||
		!maps.Equal(second.Details(), map[string]any{"a": 2, "b": 3}) {
		t.Errorf("details %v, %v, %v", err.Details(), first.Details(), second.Details())
	}
}

// Details come from the standard library's errors and from the error's own.
func TestDetails(t *testing.T) {
	t.Parallel()
	path := &fs.PathError{Op: "open", Path: "/p", Err: syscall.ENOENT}
	for name, c := range map[string]struct {
		err  error
		want map[string]any
	}{
		"path":  {fmt.Errorf("x: %w", path), map[string]any{"path": "/p", "errno": int64(syscall.ENOENT)}},
		"link":  {&os.LinkError{Op: "rename", Old: "/o", New: "/n", Err: syscall.EXDEV}, map[string]any{"path": "/o", "errno": int64(syscall.EXDEV)}},
		"own":   {Errorf(CodeIO, "x: %w", path).With("path", "/own"), map[string]any{"path": "/own", "errno": int64(syscall.ENOENT)}},
		"plain": {errors.New("x"), map[string]any{}},
	} {
		if got := detailsOf(c.err); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A chain of causes that is long, wide or silent stays bounded.
func TestCausesAreBounded(t *testing.T) {
	t.Parallel()
	long := errors.New("root")
	for i := range 10_000 {
		long = fmt.Errorf("%d: %w", i%10, long)
	}
	wide := make([]error, 1000)
	for i := range wide {
		wide[i] = errors.New("leaf")
	}
	for name, err := range map[string]error{"long": long, "wide": errors.Join(wide...), "both": errors.Join(append(wide, long)...)} {
		if n := strings.Count(string(AppendError(nil, err)), "*errors.errorString") + strings.Count(string(AppendError(nil, err)), "*fmt.wrapError"); n > maxCauses {
			t.Errorf("%s: %d causes", name, n)
		}
	}
	silent := fmt.Errorf("%w", fmt.Errorf("%w", errors.New("text")))
	if causes := causesOf(silent); len(causes) != 0 {
		t.Errorf("causes that say nothing new: %v", causes)
	}
}
