package observe

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/trace"
)

// sentryKey marks the context of a call in a trace of Sentry's.
type sentryKey struct{}

const (
	sentryTraceHeader = "sentry-trace"
	// sentryPrefix is what Sentry's SDK for Python has in front of the variables of programs.
	sentryPrefix = "SUBPROCESS_"
)

// sentryHeaders gives what a request in a trace of Sentry's carries: the headers that Python's SDK
// wrote for the caller, with the span that runs.
func (o *Observer) sentryHeaders(ctx context.Context) []gocore.Propagated {
	own, r := ownHeaders(ctx), o.sentry.Load()
	if len(own) == 0 || r == nil {
		return nil
	}
	headers := slices.Clone(own[0])
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		for i, h := range headers {
			if h.Name == sentryTraceHeader {
				headers[i].Value = sentryTrace(span, h.Value)
			}
		}
	}
	return []gocore.Propagated{{Headers: headers, To: r.isTarget, Prefix: sentryPrefix}}
}

// sentryTrace has a span in the place of the caller's: trace, span, and whether it is sampled if that
// is decided.
func sentryTrace(span trace.SpanContext, callers string) string {
	value := span.TraceID().String() + "-" + span.SpanID().String()
	parts := strings.SplitN(callers, "-", 3)
	if len(parts) < 3 {
		return value
	}
	return value + "-" + parts[2]
}

// isTarget tells as Python's SDK does whether requests to a URL carry the trace.
func (r *reporting) isTarget(url string) bool {
	if host := r.config.TraceHost; host != "" && strings.Contains(url, host) {
		return false
	}
	return slices.ContainsFunc(r.targets, func(t *regexp.Regexp) bool { return t.MatchString(url) })
}

// targets compiles regular expressions of Python; those that Go does not know match nothing.
func targets(expressions []string) (out []*regexp.Regexp) {
	for _, expression := range expressions {
		compiled, err := regexp.Compile(strings.ReplaceAll(expression, `\Z`, `\z`))
		if err != nil {
			slog.Warn(fmt.Sprintf("requests of Go carry no trace to URLs that %q of Sentry's trace_propagation_targets stands for (%v); write it without references and assertions", expression, err))
			continue
		}
		out = append(out, compiled)
	}
	return out
}
