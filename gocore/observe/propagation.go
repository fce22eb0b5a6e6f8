package observe

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"sync/atomic"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"
)

// parentLength is the length of a traceparent: version, trace id, span id, flags.
const parentLength = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")

// rest is what stands below the traceparent, parsed. It changes less often
// than calls are made.
type rest struct {
	text    string
	state   trace.TraceState
	raw     string // tracestate with keys that the SDK does not know; else empty
	baggage baggage.Baggage
	options callOptions
	own     [][]gocore.Header // of propagators that only Python has
}

var (
	lastRest atomic.Pointer[rest]
	noRest   = &rest{}
)

// contextWithTrace makes the caller's span the parent, a local one unless the options say
// otherwise. The lines that cross the boundary are traceparent, tracestate, baggage and options; all
// below are headers as Python's own propagators have written them, with an empty line between one's
// and the next's. Lines at the end may be missing.
func contextWithTrace(ctx context.Context, text []byte) (context.Context, *callOptions) {
	parent, below, _ := bytes.Cut(text, []byte{'\n'})
	r := noRest
	if len(below) > 1 { // else the lines are empty
		r = parseRest(below)
	}
	if config, valid := parseParent(parent); valid {
		config.TraceState, config.Remote = r.state, r.options.remote
		ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(config))
		if r.raw != "" {
			ctx = context.WithValue(ctx, callerState{}, ofCaller{config.SpanID, r.raw})
		}
	}
	if r.baggage.Len() > 0 {
		ctx = baggage.ContextWithBaggage(ctx, r.baggage)
	}
	if len(r.own) > 0 {
		ctx = context.WithValue(ctx, ownKey{}, r.own)
	}
	return r.options.apply(ctx), &r.options
}

// ownKey is the key of the headers of propagators that only Python has.
type ownKey struct{}

func ownHeaders(ctx context.Context) [][]gocore.Header {
	own, _ := ctx.Value(ownKey{}).([][]gocore.Header)
	return own
}

// callerState is the key of the caller's tracestate, where the SDK cannot hold all of it.
type callerState struct{}

// ofCaller is the tracestate of the caller's span.
type ofCaller struct {
	span  trace.SpanID
	state string
}

func parseRest(text []byte) *rest {
	last := lastRest.Load()
	if last != nil && last.text == string(text) {
		return last
	}
	parsed := &rest{text: string(text)}
	state, below, _ := strings.Cut(parsed.text, "\n")
	members, below, _ := strings.Cut(below, "\n")
	options, own, _ := strings.Cut(below, "\n")
	parsed.options = parseOptions(options)
	// What is malformed counts as absent, as the W3C wants it.
	var err error
	if parsed.state, err = trace.ParseTraceState(state); err != nil && isPrintable(state) {
		parsed.state, parsed.raw = knownState(state), state
	}
	parsed.baggage, _ = baggage.Parse(members)
	if own != "" {
		parsed.own = parseOwn(own)
	}
	lastRest.Store(parsed)
	return parsed
}

// parseOwn reads headers of propagators, each of which has some, or none.
func parseOwn(text string) (out [][]gocore.Header) {
	for section := range strings.SplitSeq(text, "\n\n") {
		var headers []gocore.Header
		for line := range strings.SplitSeq(section, "\n") {
			if name, value, found := strings.Cut(line, ":"); found {
				headers = append(headers, gocore.Header{Name: name, Value: value})
			}
		}
		out = append(out, headers)
	}
	return out
}

// knownState is what the SDK takes of a tracestate: it knows keys of an earlier edition of the
// W3C's rules only, and Python has refused what follows none of them.
func knownState(text string) trace.TraceState {
	var known []string
	for member := range strings.SplitSeq(text, ",") {
		if _, err := trace.ParseTraceState(member); err == nil {
			known = append(known, member)
		}
	}
	state, _ := trace.ParseTraceState(strings.Join(known, ","))
	return state
}

func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// parseParent reads a traceparent with all eight flags, of which Go's own
// propagator keeps those that it knows.
func parseParent(text []byte) (config trace.SpanContextConfig, valid bool) {
	if len(text) != parentLength || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return config, false
	}
	var flags [1]byte
	_, badTrace := hex.Decode(config.TraceID[:], text[3:35])
	_, badSpan := hex.Decode(config.SpanID[:], text[36:52])
	_, badFlags := hex.Decode(flags[:], text[53:])
	if badTrace != nil || badSpan != nil || badFlags != nil {
		return config, false
	}
	config.TraceFlags = trace.TraceFlags(flags[0])
	return config, config.TraceID.IsValid() && config.SpanID.IsValid()
}

// traceOf is the way back.
func traceOf(ctx context.Context) (out gocore.TraceContext) {
	if ctx.Value(suppressedKey{}) != nil {
		return out
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		out.Parent = formatParent(span)
		out.State = span.TraceState().String()
		if of, given := ctx.Value(callerState{}).(ofCaller); given && of.span == span.SpanID() {
			out.State = of.state
		}
	}
	if members := baggage.FromContext(ctx); members.Len() > 0 {
		out.Baggage = members.String()
	}
	return out
}

func formatParent(span trace.SpanContext) string {
	var text [parentLength]byte
	traceID, spanID := span.TraceID(), span.SpanID()
	copy(text[:], "00-")
	hex.Encode(text[3:], traceID[:])
	text[35] = '-'
	hex.Encode(text[36:], spanID[:])
	text[52] = '-'
	hex.Encode(text[53:], []byte{byte(span.TraceFlags())})
	return string(text[:])
}
