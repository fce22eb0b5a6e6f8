package observe

import (
	"context"
	"fmt"
	"slices"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/trace"
)

// newSentry makes the client that serves Python's configuration; nil if that sends nothing.
func newSentry(c SentryConfig) (*sentry.Client, error) {
	if c.DSN == "" || c.SampleRate == 0 { // 0 means everything to sentry-go
		return nil, nil
	}
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn:         c.DSN,
		Release:     c.Release,
		Environment: c.Environment,
		ServerName:  c.ServerName,
		SampleRate:  c.SampleRate,
	})
	if err != nil {
		return nil, fmt.Errorf("sentry-go refuses Python's options: %w", err)
	}
	return client, nil
}

// panicEvent describes a panic with its Go stack, on the trace it happened in.
func panicEvent(ctx context.Context, err *gocore.PanicError) *sentry.Event {
	event := fatalEvent(gocore.TypeOf(err), err.Error(), err.Stack, "gostitch")
	if call := gocore.CallFrom(ctx); call != nil {
		event.Transaction = call.Function.Name
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		event.Contexts["trace"] = sentry.Context{"trace_id": span.TraceID().String(), "span_id": span.SpanID().String()}
	}
	return event
}

// fatalEvent makes an event of what nothing could handle, grouped by the function it happened in.
func fatalEvent(kind, text string, stack []gocore.Frame, mechanism string) *sentry.Event {
	event := sentry.NewEvent()
	event.Level = sentry.LevelFatal
	event.Platform = "go"
	event.Exception = []sentry.Exception{{
		Type:       kind,
		Value:      text,
		Stacktrace: stacktrace(stack),
		Mechanism:  &sentry.Mechanism{Type: mechanism, Handled: new(bool)},
	}}
	event.Tags = map[string]string{string(AttrSide): SideGo}
	at := slices.IndexFunc(stack, func(f gocore.Frame) bool { return !gocore.IsRuntimeFrame(f) })
	if at >= 0 {
		event.Fingerprint = []string{"gostitch", kind, stack[at].Function}
	}
	return event
}

// stacktrace gives the frames as Sentry wants them, outermost first.
func stacktrace(stack []gocore.Frame) *sentry.Stacktrace {
	frames := make([]sentry.Frame, 0, len(stack))
	for _, f := range slices.Backward(stack) {
		frames = append(frames, sentry.Frame{
			Function: f.Function,
			Filename: f.File,
			AbsPath:  f.File,
			Lineno:   f.Line,
			InApp:    !gocore.IsRuntimeFrame(f),
			Platform: "go",
		})
	}
	return &sentry.Stacktrace{Frames: frames}
}
