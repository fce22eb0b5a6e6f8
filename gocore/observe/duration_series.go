package observe

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
)

// durationSeries are durations with the same attributes. Calls count in one half of it without
// waiting for anybody, while a collection empties the other one: so a point is of whole calls, each of
// which is in one collection.
type durationSeries struct {
	number     int64 // in the order in which they were made
	attributes attribute.Set
	begun      atomic.Uint64 // how many have been counted, or just are; the topmost bit is the half for the next
	halves     [2]durationHalf
	exemplars  *reservoir

	taken uint64  // guarded by callDurations.mu: how many of those begun the collections have found
	total counted // guarded by callDurations.mu: what they have found, since the last one that forgot it
}

type durationHalf struct {
	ended           atomic.Uint64 // how many have been counted since it was emptied
	counts          []atomic.Uint64
	sum             atomic.Int64
	least, greatest atomic.Int64
}

// halfBit is the bit that says which half.
const halfBit = 1 << 63

// counted are durations of a series, or of several that a view sums.
type counted struct {
	number          int64
	attributes      attribute.Set
	counts          []uint64
	sum             time.Duration
	least, greatest time.Duration
	exemplars       []exemplar.Exemplar
}

// add sums what was counted of another series.
func (c *counted) add(other counted) {
	for i, n := range other.counts {
		c.counts[i] += n
	}
	c.sum += other.sum
	c.least, c.greatest = min(c.least, other.least), max(c.greatest, other.greatest)
	c.exemplars = append(c.exemplars, other.exemplars...)
}

func newDurationSeries(number int64, bounds []float64, attributes ...attribute.KeyValue) *durationSeries {
	made := &durationSeries{
		number:     number,
		attributes: attribute.NewSet(attributes...),
		exemplars:  newReservoir(len(bounds)+1, append([]float64{}, bounds...)),
	}
	for i := range made.halves {
		made.halves[i].counts = make([]atomic.Uint64, len(bounds)+1)
		made.halves[i].least.Store(math.MaxInt64)
	}
	made.forget()
	return made
}

// count counts a duration in the bucket where it belongs.
func (s *durationSeries) count(bucket int, took time.Duration) {
	h, ns := &s.halves[s.begun.Add(1)/halfBit], int64(took)
	h.counts[bucket].Add(1)
	h.sum.Add(ns)
	for least := h.least.Load(); ns < least && !h.least.CompareAndSwap(least, ns); {
		least = h.least.Load()
	}
	for greatest := h.greatest.Load(); ns > greatest && !h.greatest.CompareAndSwap(greatest, ns); {
		greatest = h.greatest.Load()
	}
	h.ended.Add(1)
}

// take gives what was counted, since the last time if that is to be forgotten; callDurations.mu is held.
func (s *durationSeries) take(forget bool) counted {
	s.empty()
	out := s.total
	s.exemplars.Collect(&out.exemplars)
	if forget {
		s.forget()
	} else {
		out.counts = append([]uint64{}, out.counts...)
	}
	return out
}

// empty adds to the total what was counted since the last time.
func (s *durationSeries) empty() {
	begun := s.begun.Add(halfBit)
	h := &s.halves[1-begun/halfBit]
	all := begun &^ halfBit
	for h.ended.Load() != all-s.taken {
		runtime.Gosched() // until who just counts is done with that
	}
	s.taken = all
	h.ended.Store(0)
	for i := range h.counts {
		s.total.counts[i] += h.counts[i].Swap(0)
	}
	s.total.sum += time.Duration(h.sum.Swap(0))
	s.total.least = min(s.total.least, time.Duration(h.least.Swap(math.MaxInt64)))
	s.total.greatest = max(s.total.greatest, time.Duration(h.greatest.Swap(0)))
}

func (s *durationSeries) forget() {
	s.total = counted{number: s.number, attributes: s.attributes, counts: make([]uint64, len(s.halves[0].counts)), least: math.MaxInt64}
}
