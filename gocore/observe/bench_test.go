package observe

import (
	"context"
	"testing"
	"time"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// discard takes spans and drops them.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }

// What observing adds to a call on its thread, by what the caller's span is.
func BenchmarkCall(b *testing.B) {
	sender := newBatcher(discard{}, describing{resource: resource.Empty(), attributes: -1, texts: -1, inner: -1}, limits{queue: 1 << 16, batch: 512, delay: time.Second, timeout: time.Second})
	o := &Observer{}
	o.traces.Store(tracesTo(sender))
	function := &gocore.Function{Name: "test.call", GoName: "pkg.Call", File: "f.go", Line: 3}
	for name, text := range map[string]string{
		"none":      "",
		"unsampled": "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-00\n\n",
		"sampled":   "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-01\n\n",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			call := gocore.NewCall(function, 0)
			call.Trace = []byte(text)
			for b.Loop() {
				if _, end := o.StartCall(context.Background(), call); end != nil {
					end(nil)
				}
			}
		})
	}
}
