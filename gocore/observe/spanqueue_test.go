package observe

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// grown is a span of a random tree; 0 is the one above all, which is not of Go.
type grown struct{ above, below int }

func grow(r *rand.Rand, n int) []grown {
	tree := make([]grown, n+1)
	for i := 1; i <= n; i++ {
		switch r.IntN(3) {
		case 0:
			tree[i].above = i - 1 // a chain
		case 1:
			tree[i].above = 1 // all in one
		default:
			tree[i].above = r.IntN(i)
		}
		if i == 1 {
			tree[i].above = 0
		}
		tree[tree[i].above].below++
	}
	return tree
}

func spanNumber(i int) (id trace.SpanID) {
	binary.BigEndian.PutUint64(id[:], uint64(i))
	return id
}

func stubOf(tree []grown, i int) sdktrace.ReadOnlySpan {
	context := func(i int) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: spanNumber(i)})
	}
	parent := context(tree[i].above)
	return tracetest.SpanStub{SpanContext: context(i), Parent: parent, ChildSpanCount: tree[i].below}.Snapshot()
}

// Whatever the shape of a trace and however little room there is: no span that was kept is below
// one that was not, and each one is kept or counted.
func TestStructureComesBeforeVolume(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		tree := grow(r, 1+r.IntN(400))
		q := spanQueue{limit: 1 + r.IntN(40)}
		var kept []sdktrace.ReadOnlySpan
		dropped := 0
		for i := len(tree) - 1; i > 0; i-- { // those below end first
			dropped += q.add(stubOf(tree, i))
			if r.IntN(20) == 0 {
				kept = append(kept, q.take(r.IntN(20))...)
			}
			if r.IntN(20) == 0 {
				kept = append(kept, q.takeOf(trace.TraceID{1}, r.IntN(20))...)
			}
		}
		kept = append(kept, q.take(q.waiting)...)
		if len(kept)+dropped != len(tree)-1 || q.waiting != 0 || len(q.spans) != 0 {
			t.Fatalf("seed %d: of %d, %d were kept and %d dropped", seed, len(tree)-1, len(kept), dropped)
		}
		arrived := map[trace.SpanID]bool{spanNumber(0): true}
		for _, s := range kept {
			arrived[s.SpanContext().SpanID()] = true
		}
		for _, s := range kept {
			if !arrived[s.Parent().SpanID()] {
				t.Fatalf("seed %d: %v arrived without the one above it", seed, s.SpanContext().SpanID())
			}
		}
	}
}

// What ends after the span above it was dropped is dropped too.
func TestASpanBelowADroppedOne(t *testing.T) {
	t.Parallel()
	tree := []grown{{}, {above: 0}, {above: 0}, {above: 2}}
	q := spanQueue{limit: 1}
	if dropped := q.add(stubOf(tree, 1)) + q.add(stubOf(tree, 2)); dropped != 1 {
		t.Fatalf("%d were dropped where one had room", dropped)
	}
	q.take(1)
	if dropped := q.add(stubOf(tree, 3)); dropped != 1 || q.waiting != 0 {
		t.Errorf("a span is kept below one that was dropped")
	}
}

// Within the limit spans leave as they came, those of one trace alone too.
func TestTheOrderOfSpans(t *testing.T) {
	t.Parallel()
	q := spanQueue{limit: 10}
	of := func(id trace.TraceID, i int) sdktrace.ReadOnlySpan {
		return tracetest.SpanStub{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: spanNumber(i)})}.Snapshot()
	}
	one, other := trace.TraceID{1}, trace.TraceID{2}
	for i, id := range []trace.TraceID{one, other, one, other, one} {
		q.add(of(id, i+1))
	}
	for _, step := range []struct {
		taken []sdktrace.ReadOnlySpan
		want  []int
	}{{q.takeOf(other, 1), []int{2}}, {q.takeOf(one, 2), []int{1, 3}}, {q.take(9), []int{4, 5}}} {
		for i, s := range step.taken {
			if s.SpanContext().SpanID() != spanNumber(step.want[i]) || len(step.taken) != len(step.want) {
				t.Errorf("got %v, want %v", step.taken, step.want)
			}
		}
	}
}
