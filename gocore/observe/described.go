package observe

import (
	"sync"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// described is a finished span with what every span of Go bears, and what is known
// of the function if it is a call's. Each attribute that is set while a call
// runs costs it a tenth of its span, so these join when the span is sent.
type described struct {
	sdktrace.ReadOnlySpan
	attributes []attribute.KeyValue
}

// Attributes implements sdktrace.ReadOnlySpan.
func (d described) Attributes() []attribute.KeyValue { return d.attributes }

var (
	ofAnySpan = []attribute.KeyValue{AttrSide.String(SideGo)}
	ofCalls   sync.Map // name of a function -> its attributes
)

// noteFunction makes sure that calls of a function can be described.
func noteFunction(f *gocore.Function) {
	if _, known := ofCalls.Load(f.Name); known {
		return
	}
	attributes := append(ofAnySpan[:1:1], AttrFunction.String(f.GoName))
	if f.File != "" {
		attributes = append(attributes, AttrFile.String(f.File), AttrLine.Int(f.Line))
	}
	ofCalls.Store(f.Name, attributes)
}

// describe gives the spans of a batch as they are sent.
func describe(batch []sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	out := make([]sdktrace.ReadOnlySpan, len(batch))
	for i, s := range batch {
		attributes := ofAnySpan
		if s.InstrumentationScope().Name == tracerName {
			if known, found := ofCalls.Load(s.Name()); found {
				attributes = known.([]attribute.KeyValue)
			}
		}
		n := len(attributes)
		out[i] = described{s, append(attributes[:n:n], s.Attributes()...)}
	}
	return out
}

// keepDescription describes a call's span by hand if the function has renamed it.
func keepDescription(span trace.Span, f *gocore.Function) {
	named, isNamed := span.(interface{ Name() string })
	if !isNamed || named.Name() == f.Name {
		return
	}
	if known, found := ofCalls.Load(f.Name); found {
		span.SetAttributes(known.([]attribute.KeyValue)[1:]...)
	}
}
