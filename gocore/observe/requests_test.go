package observe

import (
	"context"
	"testing"

	"github.com/gostitch/gostitch/gocore"
)

// What a goroutine that has outlived its call asks for has spans of its own, however much that is: it
// is on no call's account.
func TestRequestsOfNoCall(t *testing.T) {
	o, exporter := observing()
	process.traces.Store(o.traces.Load())
	defer process.traces.Store(nil)
	requestSpans.Store(2)
	above, _ := contextWithTrace(context.Background(), []byte(header))
	ctx, own := requestTracer.Start(above, "background")
	for range 5 {
		_, end := process.StartRequest(ctx, gocore.Outgoing{Method: "GET", Host: "h", Port: 80, URL: "http://h/"})
		end(gocore.Answer{Status: 200, Protocol: "1.1"})
	}
	own.End()
	o.Flush(context.Background())
	if len(exporter.spans) != 6 || process.requesting.Load() != 0 {
		t.Errorf("%d spans, and %d calls are kept", len(exporter.spans), process.requesting.Load())
	}
}
