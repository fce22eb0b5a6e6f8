package gocore

import (
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// runOfCall is the function of the core below every function of the user.
const runOfCall = "github.com/gostitch/gostitch/gocore.(*Call).run"

// EventsHere gives the events of the call that this goroutine belongs to, for what was
// given no context. It is nil for none, and where that cannot be known for certain: several
// submitted calls of the function run and have no trace, or the goroutine may have outlived its own.
// It takes some microseconds.
func EventsHere() *CallEvents {
	if c := callHere(); c != nil {
		return c.context.Load().eventsOf()
	}
	return nil
}

func callHere() *Call {
	thread := unix.Gettid()
	function, trace := labelsHere()
	isOfCall := trace != "" || runsCall()
	var found []*Call
	var here *Call
	eachRunning(func(c *Call) {
		t := c.traced.Load()
		switch {
		case c.context.Load().thread == thread:
			here = c // which keeps the thread for itself
		case isOfCall && c.Function.Name == function && (t == nil && trace == "" || t != nil && t.id == trace):
			found = append(found, c)
		}
	})
	// Calls of one trace have one caller, mostly.
	if here == nil && (len(found) == 1 || len(found) > 1 && trace != "") {
		return found[0]
	}
	return here
}

// labelsHere reads the labels of this goroutine, which Go tells in no other way.
func labelsHere() (function, trace string) {
	text := make([]byte, 1<<10)
	header, _, _ := strings.Cut(string(text[:runtime.Stack(text, false)]), "\n")
	return labelIn(header, labelCall), labelIn(header, labelTrace)
}

// labelIn finds a label in the first line of a goroutine's stack, which quotes both.
func labelIn(header, name string) string {
	_, rest, _ := strings.Cut(header, `"`+name+`": "`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// runsCall tells whether this goroutine runs a call, and was not started by one.
func runsCall() bool {
	callers := make([]uintptr, 256)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		if frame.Function == runOfCall {
			return true
		}
		if !more {
			return false
		}
	}
}
