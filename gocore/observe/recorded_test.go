package observe

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
)

func counters() []uintptr {
	callers := make([]uintptr, 32)
	return callers[:runtime.Callers(2, callers)]
}

type text struct{ callers []uintptr }

func (text) Error() string { return "it failed" }

// The forms of those packages; the counters of xerrors begin in the function that makes errors.
type (
	counter       uintptr
	pkgError      struct{ text }
	frame         struct{ ProgramCounter uintptr }
	goErrorsError struct{ text }
	stackTracer   struct{ text }
	pingcapError  struct{ text }
	xFrame        struct{ frames [3]uintptr }
	xError        struct {
		text
		frame xFrame
	}
)

func (e pkgError) StackTrace() []counter {
	var all []counter
	for _, each := range e.callers {
		all = append(all, counter(each))
	}
	return all
}

func (e *goErrorsError) StackFrames() []frame {
	var all []frame
	for _, each := range e.callers {
		all = append(all, frame{each})
	}
	return all
}

func (t stackTracer) StackTrace() []uintptr        { return t.callers }
func (e pingcapError) GetStackTracer() stackTracer { return stackTracer(e) }

// Those that only look like it.
type (
	words  struct{ text }
	asking struct{ text }
	noPC   struct{ text }
)

func (words) StackTrace() string               { return "at home" }
func (asking) StackTrace(int) []uintptr        { return nil }
func (noPC) StackFrames() []struct{ Line int } { return nil }

// The stack of an error is what sentry-go finds in it, whichever way the error tells it.
func TestRecordedCallers(t *testing.T) {
	t.Parallel()
	x := &xError{}
	copy(x.frame.frames[:], append([]uintptr{counters()[0]}, counters()...))
	for _, err := range []error{
		pkgError{text{counters()}},
		&goErrorsError{text{counters()}},
		x,
	} {
		for range 2 { // the second time the type is known
			want := sentry.ExtractStacktrace(err).Frames
			got := gocore.StackOf(err)
			inner, ours := want[len(want)-1], got[0]
			if ours.Function != inner.Module+"."+inner.Function || ours.Line != inner.Lineno {
				t.Errorf("%T: the stack begins at %+v, sentry-go says %+v", err, ours, inner)
			}
		}
	}
	// sentry-go looks for the method on the wrong value, and finds none.
	if got := gocore.StackOf(pingcapError{text{counters()}}); len(got) == 0 || !strings.HasSuffix(got[0].Function, ".TestRecordedCallers") {
		t.Errorf("the stack of a tracer is %v", got)
	}
	for _, err := range []error{words{}, asking{}, noPC{}, errors.New("x"), context.Canceled, (*xError)(nil)} {
		if got := gocore.StackOf(err); got != nil {
			t.Errorf("%T has the stack %v", err, got)
		}
	}
}
