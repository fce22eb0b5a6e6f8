package observe

import (
	"context"
	"time"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
)

// Frame is one line of a stack.
type Frame struct {
	// Function with its package.
	Function string
	// File of the source.
	File string
	// Line in the file.
	Line int
}

// Crash is what Go wrote when it ended an earlier process.
type Crash struct {
	// Reason in a line.
	Reason string
	// Call that ran, or empty.
	Call string
	// TraceID of the caller's span in hexadecimal digits, or empty.
	TraceID string `gostitch:"trace_id"`
	// TimeNs is when it happened, in ns since 1970.
	TimeNs int64 `gostitch:"time_ns"`
	// PID of the process.
	PID int `gostitch:"pid"`
	// Stack of the goroutine that crashed, innermost first.
	Stack []Frame
	// Text of the whole report.
	Text string
}

// attachedText bounds what is sent of a report beside the event.
const attachedText = 1 << 18

// ReportCrash sends a crash of an earlier process to Sentry: nobody in Python has seen it.
func ReportCrash(_ context.Context, c Crash) (None, error) {
	if client := process.sentry.Load(); client != nil {
		client.CaptureEvent(crashEvent(&c), nil, nil)
	}
	return None{}, nil
}

func crashEvent(c *Crash) *sentry.Event {
	stack := make([]gocore.Frame, len(c.Stack))
	for i, f := range c.Stack {
		stack[i] = gocore.Frame{Function: f.Function, File: f.File, Line: f.Line}
	}
	event := fatalEvent("crash", c.Reason, stack, "gostitch.crash")
	event.Attachments = []*sentry.Attachment{{
		Filename: "go.crash", ContentType: "text/plain", Payload: []byte(c.Text[:min(len(c.Text), attachedText)]),
	}}
	event.Timestamp = time.Unix(0, c.TimeNs)
	event.Transaction = c.Call
	event.Contexts["go_crash"] = sentry.Context{"pid": c.PID, "call": c.Call}
	if c.TraceID != "" {
		event.Contexts["trace"] = sentry.Context{"trace_id": c.TraceID}
	}
	return event
}
