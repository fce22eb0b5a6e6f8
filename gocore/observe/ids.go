package observe

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/otel/trace"
)

// IDs are made by Python's generator.
type IDs struct {
	// Spans are ids in hexadecimal digits, 16 each.
	Spans []string
	// Traces are ids in hexadecimal digits, 32 each.
	Traces []string
}

// AddIDs takes ids for spans of Go, which Python has been asked for.
func AddIDs(_ context.Context, more IDs) (None, error) {
	t := process.traces.Load()
	if t == nil {
		return None{}, nil
	}
	spans, err := parseIDs(more.Spans, trace.SpanIDFromHex)
	if err != nil {
		return None{}, err
	}
	traces, err := parseIDs(more.Traces, trace.TraceIDFromHex)
	if err != nil {
		return None{}, err
	}
	t.ids.add(spans, traces)
	return None{}, nil
}

func parseIDs[T any](texts []string, parse func(string) (T, error)) ([]T, error) {
	out := make([]T, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = parse(text); err != nil {
			return nil, fmt.Errorf("id %q: %w", text, err)
		}
	}
	return out, nil
}

// ids gives spans their ids: random ones, or those of Python's generator, of which Python hands
// over some at a time. It implements sdktrace.IDGenerator.
type ids struct {
	isRandom bool // those of traces are, as the W3C's flag says

	mu     sync.Mutex
	spans  []trace.SpanID  // guarded by mu; given by Python
	traces []trace.TraceID // guarded by mu; the same
	wanted bool            // guarded by mu: Python is to hand over more
}

// NewSpanID implements sdktrace.IDGenerator.
func (g *ids) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	if g.isRandom {
		return randomSpanID()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wantMore()
	if n := len(g.spans) - 1; n >= 0 {
		id := g.spans[n]
		g.spans = g.spans[:n]
		return id
	}
	return randomSpanID()
}

// NewIDs implements sdktrace.IDGenerator.
func (g *ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if d, asked := ctx.Value(decisionKey{}).(*decision); asked && d.traceID.IsValid() {
		return d.traceID, g.NewSpanID(ctx, d.traceID)
	}
	id := trace.TraceID{}
	if !g.isRandom {
		g.mu.Lock()
		if n := len(g.traces) - 1; n >= 0 {
			id = g.traces[n]
			g.traces = g.traces[:n]
		}
		g.mu.Unlock()
	}
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id, g.NewSpanID(ctx, id)
}

func randomSpanID() (id trace.SpanID) {
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}

// fewIDs is how many are left when Python is asked for more.
const fewIDs = 1 << 11

// wantMore asks Python for more ids, once, if few are left; mu is held.
func (g *ids) wantMore() {
	if !g.wanted && min(len(g.spans), len(g.traces)) < fewIDs {
		g.wanted = gocore.WakeHost(gocore.RecordIDs)
	}
}

// add takes ids that Python has made.
func (g *ids) add(spans []trace.SpanID, traces []trace.TraceID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spans, g.traces, g.wanted = append(g.spans, spans...), append(g.traces, traces...), false
}
