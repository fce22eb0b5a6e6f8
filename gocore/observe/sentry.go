package observe

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"runtime"
	"slices"

	"github.com/getsentry/sentry-go"
	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/trace"
)

// SentryConfig is what Python's Sentry client says. Nothing else reaches sentry-go: it
// looks at no variable of the environment, and runs no git.
type SentryConfig struct {
	// Active tells that there is a client. Without one nothing is reported.
	Active bool
	// DSN is the address that Python sends to, or empty.
	DSN string `gostitch:"dsn"`
	// Release of the application.
	Release string
	// Environment the application runs in.
	Environment string
	// Dist is the distribution of the release.
	Dist string
	// ServerName is the host's name.
	ServerName string
	// SampleRate is the share of events that is sent, from 0 to 1, by who sends them.
	SampleRate float64
	// TracesSampleRate is the share of transactions that is kept of those which begin in Go; -1:
	// there are none.
	TracesSampleRate float64
	// TracePropagationTargets are regular expressions of the URLs whose requests carry the trace.
	TracePropagationTargets []string
	// TraceHost is where Python sends to, which gets none.
	TraceHost string
	// MaxBreadcrumbs that an event may have.
	MaxBreadcrumbs int
	// AttachStacktrace gives messages a stack.
	AttachStacktrace bool
	// SendDefaultPII has what may identify a person be sent too.
	SendDefaultPII bool `gostitch:"send_default_pii"`
	// Alone lets Go send to the DSN by itself what Python cannot any more.
	Alone bool
	// Ended tells that Python sends nothing any more.
	Ended bool
}

// reporting is one configuration of error reporting.
type reporting struct {
	client  *sentry.Client
	config  SentryConfig
	targets []*regexp.Regexp
}

const (
	// notSet stands for what Python has not set, so that sentry-go looks for it elsewhere. It
	// is in no event.
	notSet = "gostitch: not set"
	// elsewhere is the DSN of a client that sends through Python alone.
	elsewhere = "http://none@127.0.0.1/0"
)

// newReporting makes the client that serves Python's configuration; nil if there is none.
// It samples no event: Python does.
func newReporting(c SentryConfig) (*reporting, error) {
	if !c.Active {
		return nil, nil
	}
	options := c.options()
	options.Transport = &handOver{config: c}
	options.Integrations = ofProgram
	options.DisableClientReports = true
	client, err := sentry.NewClient(options)
	if err != nil {
		return nil, fmt.Errorf("sentry-go refuses Python's options: %w", err)
	}
	client.AddEventProcessor(findOwner)
	client.SetExternalContextTraceResolver(traceIn)
	return &reporting{client, c, targets(c.TracePropagationTargets)}, nil
}

// ofProgram keeps the integrations that say which program it is: versions of Go, of modules, of the
// system. The others look at the environment.
func ofProgram(all []sentry.Integration) []sentry.Integration {
	return slices.DeleteFunc(all, func(each sentry.Integration) bool {
		return each.Name() != "Environment" && each.Name() != "Modules"
	})
}

func (c *SentryConfig) options() sentry.ClientOptions {
	options := sentry.ClientOptions{
		Dsn:              cmp.Or(c.DSN, elsewhere),
		Release:          cmp.Or(c.Release, notSet),
		Environment:      cmp.Or(c.Environment, notSet),
		ServerName:       cmp.Or(c.ServerName, notSet),
		Dist:             c.Dist,
		MaxBreadcrumbs:   cmp.Or(c.MaxBreadcrumbs, -1),
		AttachStacktrace: c.AttachStacktrace,
	}
	//lint:ignore SA1019 it is what Python's client has
	options.SendDefaultPII = c.SendDefaultPII
	if c.TracesSampleRate >= 0 {
		options.EnableTracing, options.TracesSampler = true, sampler(c.TracesSampleRate)
	}
	return options
}

// traceIn gives the span of OpenTelemetry's that is current in a context.
func traceIn(ctx context.Context) (sentry.TraceID, sentry.SpanID, bool) {
	span := trace.SpanContextFromContext(ctx)
	return sentry.TraceID(span.TraceID()), sentry.SpanID(span.SpanID()), span.IsValid()
}

// sampler has transactions of Go be below the span of their context, and kept if that is.
func sampler(rate float64) sentry.TracesSampler {
	return func(s sentry.SamplingContext) float64 {
		above := trace.SpanContextFromContext(s.Span.Context())
		switch {
		case s.ParentSampled == sentry.SampledTrue:
			return 1
		case s.ParentSampled == sentry.SampledFalse:
			return 0
		case !above.IsValid() || s.Span.ParentSpanID != sentry.SpanID{}:
			return rate
		}
		s.Span.TraceID, s.Span.ParentSpanID = sentry.TraceID(above.TraceID()), sentry.SpanID(above.SpanID())
		if above.IsSampled() {
			return 1
		}
		return 0
	}
}

// panicEvent describes a panic with its Go stack.
func panicEvent(ctx context.Context, err *gocore.PanicError) *sentry.Event {
	event := fatalEvent(gocore.TypeOf(err), err.Error(), err.Stack, "gostitch")
	if call := gocore.CallFrom(ctx); call != nil {
		event.Transaction = call.Function.Name
	}
	if traceID, spanID, valid := traceIn(ctx); valid {
		event.Contexts["trace"] = sentry.Context{"trace_id": traceID, "span_id": spanID}
	}
	return event
}

// fatalEvent makes an event of what nothing could handle.
func fatalEvent(kind, text string, stack []gocore.Frame, mechanism string) *sentry.Event {
	event := sentry.NewEvent()
	event.Level = sentry.LevelFatal
	event.Exception = []sentry.Exception{{
		Type:       kind,
		Value:      text,
		Stacktrace: stacktrace(stack),
		Mechanism:  &sentry.Mechanism{Type: mechanism, Handled: new(bool)},
	}}
	event.Tags = map[string]string{string(AttrSide): SideGo, string(AttrCode): string(gocore.CodePanic)}
	return event
}

// stacktrace gives the frames as Sentry wants them, outermost first.
func stacktrace(stack []gocore.Frame) *sentry.Stacktrace {
	frames := make([]sentry.Frame, len(stack))
	for i, f := range stack {
		frame := sentry.NewFrame(runtime.Frame{Function: f.Function, File: f.File, Line: f.Line})
		frame.Platform = "go"
		frames[len(stack)-1-i] = frame
	}
	return &sentry.Stacktrace{Frames: frames}
}
