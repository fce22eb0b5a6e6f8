package observe

import (
	"slices"
	"strings"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
)

// bridge is the package whose functions stand between Python and a function.
const bridge = "github.com/gostitch/gostitch/gocore"

// mendFrames takes the bridge's own frames out of the stacks of an event, and says which are
// the user's: sentry-go takes none for that in a library that was built with -trimpath.
func mendFrames(event *sentry.Event) {
	for _, each := range event.Exception {
		mend(each.Stacktrace)
	}
	for _, each := range event.Threads {
		mend(each.Stacktrace)
	}
}

func mend(stack *sentry.Stacktrace) {
	if stack == nil {
		return
	}
	inner := len(stack.Frames) - 1
	for inner >= 0 && stack.Frames[inner].Module != bridge {
		inner--
	}
	if inner < len(stack.Frames)-1 {
		stack.Frames = slices.Clone(stack.Frames[inner+1:])
	}
	for i := range stack.Frames {
		f := &stack.Frames[i]
		f.InApp = isInApp(f)
	}
}

// isInApp tells the user's own code from Go's and from that of other modules. Its twin is in_app of
// python/gostitch/observe/_frames.py, which knows what Python's client says of it besides.
func isInApp(f *sentry.Frame) bool {
	return !gocore.IsRuntimeFrame(gocore.Frame{Function: f.Module + "." + f.Function}) &&
		!strings.Contains(f.Module, "vendor") && !strings.Contains(f.Module, "third_party") &&
		!strings.Contains(f.Filename+f.AbsPath, "@") // the version of a module in Go's cache
}
