package observe

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Sampler is one of Python's samplers.
type Sampler struct {
	// Kind is on, off, ratio, parent, or python for one of the user's own.
	Kind string
	// Ratio of the traces that a sampler of that kind keeps.
	Ratio float64
	// Delegates of a parent sampler, by their numbers in the list: of roots, of remote parents
	// that are sampled and that are not, and of local ones.
	Delegates []int
}

// The kinds of sampler.
const (
	samplerOn     = "on"
	samplerOff    = "off"
	samplerRatio  = "ratio"
	samplerParent = "parent"
	samplerPython = "python"
)

// delegates is how many a parent sampler has.
const delegates = 5

// newSampler makes the first sampler of a list; delegates come later than who asks them.
func newSampler(list []Sampler) (sdktrace.Sampler, error) {
	if len(list) == 0 {
		return sdktrace.NeverSample(), nil
	}
	return samplerAt(list, 0)
}

func samplerAt(list []Sampler, at int) (sdktrace.Sampler, error) {
	s := list[at]
	switch s.Kind {
	case samplerOn:
		return sdktrace.AlwaysSample(), nil
	case samplerOff:
		return sdktrace.NeverSample(), nil
	case samplerRatio:
		return ratioSampler(s.Ratio), nil
	case samplerPython:
		return pythonSampler{}, nil
	case samplerParent:
		return parentSampler(list, at)
	}
	return nil, fmt.Errorf("unknown kind of sampler %q", s.Kind)
}

func parentSampler(list []Sampler, at int) (sdktrace.Sampler, error) {
	if len(list[at].Delegates) != delegates {
		return nil, fmt.Errorf("a parent sampler has %d delegates, not %d", len(list[at].Delegates), delegates)
	}
	var found [delegates]sdktrace.Sampler
	for i, number := range list[at].Delegates {
		if number <= at || number >= len(list) {
			return nil, fmt.Errorf("a parent sampler has the delegate %d of %d", number, len(list))
		}
		var err error
		if found[i], err = samplerAt(list, number); err != nil {
			return nil, err
		}
	}
	return sdktrace.ParentBased(found[0],
		sdktrace.WithRemoteParentSampled(found[1]), sdktrace.WithRemoteParentNotSampled(found[2]),
		sdktrace.WithLocalParentSampled(found[3]), sdktrace.WithLocalParentNotSampled(found[4])), nil
}

// recordsBelowUnsampled tells whether a sampler may record what is below a span that is not sampled.
func recordsBelowUnsampled(list []Sampler, at int) bool {
	if at >= len(list) {
		return false
	}
	s := list[at]
	if s.Kind == samplerParent {
		return recordsBelowUnsampled(list, s.Delegates[2]) || recordsBelowUnsampled(list, s.Delegates[4])
	}
	return s.Kind != samplerOff
}

// ratioSampler keeps a share of the traces, the same ones as Python's TraceIdRatioBased: the SDK's
// own compares one bit less.
type ratioSampler float64

// ShouldSample implements sdktrace.Sampler.
func (s ratioSampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	bound := math.RoundToEven(float64(s) * (1 << 64))
	result := sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: stateAbove(p.ParentContext)}
	if bound >= 1<<64 || binary.BigEndian.Uint64(p.TraceID[8:]) < uint64(bound) {
		result.Decision = sdktrace.RecordAndSample
	}
	return result
}

// Description implements sdktrace.Sampler.
func (s ratioSampler) Description() string { return fmt.Sprintf("TraceIdRatioBased{%g}", float64(s)) }

func stateAbove(ctx context.Context) trace.TraceState {
	return trace.SpanContextFromContext(ctx).TraceState()
}

// decision is what Python's sampler has said of a call's span.
type decision struct {
	sdktrace.SamplingDecision
	attributes []attribute.KeyValue
	traceID    trace.TraceID // of a root that it was asked about
}

// decisionKey has the decision for the span of a call, and belowKey that for those below it.
type (
	decisionKey struct{}
	belowKey    struct{}
)

// pythonSampler stands for one that only Python has. It was asked about the span of a call; what
// is below follows that, as it cannot be asked in the middle of a function. Nor can it be about a
// trace that begins in a goroutine, which must not pass it by.
type pythonSampler struct{}

// ShouldSample implements sdktrace.Sampler.
func (pythonSampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	above := trace.SpanContextFromContext(p.ParentContext)
	result := sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: above.TraceState()}
	d, asked := p.ParentContext.Value(decisionKey{}).(*decision)
	if !asked && above.IsValid() {
		if d, asked = p.ParentContext.Value(belowKey{}).(*decision); !asked && above.IsSampled() {
			result.Decision = sdktrace.RecordAndSample
		}
	}
	if asked {
		result.Decision, result.Attributes = d.SamplingDecision, d.attributes
	}
	return result
}

// Description implements sdktrace.Sampler.
func (pythonSampler) Description() string { return "Python" }

var _ sdktrace.Sampler = pythonSampler{}
