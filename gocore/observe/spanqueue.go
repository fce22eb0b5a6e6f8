package observe

import (
	"slices"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// spanQueue holds finished spans that wait. Where there are too many, structure comes before
// volume: a span is dropped only if nothing below it was kept, so a trace has holes at its leaves
// and nowhere else. The queue grows above its limit by spans alone that something below was kept
// of; those were open while it filled.
//
// It is not safe for concurrent use.
type spanQueue struct {
	limit   int
	spans   []waitingSpan // in the order in which they ended
	first   int           // the number of spans[0], counted from the first span ever
	waiting int           // how many of spans are there
	leaves  []int         // the numbers of leaves among them, in order, which can make room
	lost    lostSpans
}

// waitingSpan is nil where a span was taken, or has made room, before those around it.
type waitingSpan struct {
	sdktrace.ReadOnlySpan
	isLeaf bool // nothing below it was kept
}

// add takes a span, and gives how many were dropped for that.
func (q *spanQueue) add(s sdktrace.ReadOnlySpan) (dropped int) {
	if q.lost.has(s.Parent().SpanID()) {
		q.lost.add(s)
		return 1
	}
	children := s.ChildSpanCount()
	isLeaf := children == 0 || children <= q.lost.takeBelow(s.SpanContext().SpanID())
	if q.waiting >= q.limit {
		if isLeaf {
			q.lost.add(s)
			return 1
		}
		dropped = q.makeRoom()
	}
	if isLeaf {
		q.leaves = append(q.leaves, q.first+len(q.spans))
	}
	q.spans = append(q.spans, waitingSpan{s, isLeaf})
	q.waiting++
	return dropped
}

// makeRoom drops the leaf that came last, and gives how many that were.
func (q *spanQueue) makeRoom() int {
	last := len(q.leaves) - 1
	if last < 0 {
		return 0
	}
	at := &q.spans[q.leaves[last]-q.first]
	q.leaves = q.leaves[:last]
	q.lost.add(at.ReadOnlySpan)
	*at = waitingSpan{}
	q.waiting--
	return 1
}

// of gives the oldest spans of a trace, at most so many, which stay.
func (q *spanQueue) of(id trace.TraceID, most int) (out []sdktrace.ReadOnlySpan) {
	for _, w := range q.spans {
		if len(out) == most {
			break
		}
		if w.ReadOnlySpan != nil && w.SpanContext().TraceID() == id {
			out = append(out, w.ReadOnlySpan)
		}
	}
	return out
}

// take gives the oldest spans, at most so many.
func (q *spanQueue) take(most int) []sdktrace.ReadOnlySpan {
	return q.takeThose(most, func(sdktrace.ReadOnlySpan) bool { return true })
}

// takeOf gives the oldest spans of a trace, at most so many.
func (q *spanQueue) takeOf(of trace.TraceID, most int) []sdktrace.ReadOnlySpan {
	return q.takeThose(most, func(s sdktrace.ReadOnlySpan) bool { return s.SpanContext().TraceID() == of })
}

func (q *spanQueue) takeThose(most int, wanted func(sdktrace.ReadOnlySpan) bool) []sdktrace.ReadOnlySpan {
	out := make([]sdktrace.ReadOnlySpan, 0, min(most, q.waiting))
	for i := range q.spans {
		if len(out) == most {
			break
		}
		if at := &q.spans[i]; at.ReadOnlySpan != nil && wanted(at.ReadOnlySpan) {
			out = append(out, at.ReadOnlySpan)
			*at = waitingSpan{}
		}
	}
	q.waiting -= len(out)
	q.compact()
	return out
}

// compact forgets the places of spans that are not there any more.
func (q *spanQueue) compact() {
	gone := slices.IndexFunc(q.spans, func(w waitingSpan) bool { return w.ReadOnlySpan != nil })
	if gone < 0 {
		gone = len(q.spans)
	}
	q.spans, q.first = slices.Delete(q.spans, 0, gone), q.first+gone // in its place, to be used again
	if holes := len(q.spans) - q.waiting; holes > q.waiting {
		q.spans = slices.DeleteFunc(q.spans, func(w waitingSpan) bool { return w.ReadOnlySpan == nil })
		q.first += holes // no number is used twice
	}
	q.leaves = q.leaves[:0]
	for i, w := range q.spans {
		if w.isLeaf {
			q.leaves = append(q.leaves, q.first+i)
		}
	}
	if q.waiting == 0 && cap(q.spans) > 2*q.limit { // that was a burst
		q.spans, q.leaves = nil, nil
	}
}

// lostSpans remembers dropped spans: so that nothing is kept below one, and one that lost all below
// it is known as a leaf. It remembers the last ones, in two generations, for a while.
type lostSpans struct {
	young, old lostGeneration
	uses       int       // since a look at the clock, which costs more than all else
	isNew      bool      // one was dropped since then
	at         time.Time // of the last look after one was dropped
}

type lostGeneration struct {
	spans map[trace.SpanID]struct{}
	below map[trace.SpanID]int // how many were dropped, by the span they were below
}

const (
	mostLost  = 1 << 16         // of a generation
	lostAreOf = 5 * time.Minute // for which they are remembered, about
	lostLook  = 1 << 10         // uses from one look at the clock to the next
)

// age forgets all if nothing was dropped for long.
func (l *lostSpans) age() {
	if l.uses++; l.uses%lostLook != 0 {
		return
	}
	switch now := time.Now(); {
	case l.isNew:
		l.at, l.isNew = now, false
	case now.Sub(l.at) > lostAreOf:
		*l = lostSpans{}
	}
}

func (l *lostSpans) has(id trace.SpanID) bool {
	if l.young.spans == nil {
		return false
	}
	l.age()
	_, young := l.young.spans[id]
	if young || l.old.spans == nil {
		return young
	}
	_, old := l.old.spans[id]
	return old
}

func (l *lostSpans) add(s sdktrace.ReadOnlySpan) {
	if len(l.young.spans) >= mostLost {
		l.old, l.young = l.young, lostGeneration{}
	}
	if l.young.spans == nil {
		l.young = lostGeneration{map[trace.SpanID]struct{}{}, map[trace.SpanID]int{}}
	}
	l.isNew = true
	l.age()
	l.young.spans[s.SpanContext().SpanID()] = struct{}{}
	if _, isCall := s.(*callSpan); !isCall { // else what is above it does not count it
		l.young.below[s.Parent().SpanID()]++
	}
}

// takeBelow gives how many spans were dropped directly below one that has ended.
func (l *lostSpans) takeBelow(id trace.SpanID) int {
	if l.young.spans == nil {
		return 0
	}
	n := l.young.below[id] + l.old.below[id]
	delete(l.young.below, id)
	delete(l.old.below, id)
	return n
}
