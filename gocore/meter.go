package gocore

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Metered is what was counted of a function's calls since metering began.
type Metered struct {
	// Function whose calls they were.
	Function string
	// Calls that have ended, in whatever way.
	Calls int64
	// Running calls now.
	Running int64
	// Errors by their code.
	Errors map[string]int64
	// Seconds that the calls took together.
	Seconds float64
	// Durations of the calls: how many took no longer than each of MeterBounds, the shorter
	// ones included.
	Durations []int64
	// BytesIn that arguments took, what they refer to included.
	BytesIn int64
	// BytesOut that results took, messages excluded.
	BytesOut int64
	// Cancelled calls, whose context ended before they did.
	Cancelled int64
	// CancelSeconds from the end of the context to that of the call, together.
	CancelSeconds float64
}

// MeterBounds are the durations that calls are counted by.
var MeterBounds = []time.Duration{
	10 * time.Microsecond, 100 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, time.Minute,
}

// meter counts the calls of a function.
type meter struct {
	calls, nanoseconds, bytesIn, bytesOut, cancelled, cancelNs atomic.Int64
	buckets                                                    []atomic.Int64 // by MeterBounds, and one for all above

	mu     sync.Mutex
	errors map[string]int64 // guarded by mu
}

// metering switches the counting on: until somebody asks, a call pays for one load.
var metering sync.Once

// StartMetering counts all calls from now on.
func StartMetering() {
	metering.Do(func() {
		for _, f := range Functions() {
			f.meter.Store(&meter{buckets: make([]atomic.Int64, len(MeterBounds)+1), errors: map[string]int64{}})
		}
	})
}

// beginMetering notes when the call began and what it was given, if that is counted.
func (c *Call) beginMetering(frame []byte, buffers [][]byte) {
	if c.Function.meter.Load() == nil {
		return
	}
	c.begun, c.bytesIn = now(), len(frame)
	for _, b := range buffers {
		c.bytesIn += len(b)
	}
}

// endMetering counts a call that has ended; its context has not.
func (c *Call) endMetering(payload []byte) {
	m := c.Function.meter.Load()
	if m == nil || c.begun == 0 { // it began before the counting did
		return
	}
	took := now() - c.begun
	m.calls.Add(1)
	m.nanoseconds.Add(int64(took))
	m.bytesIn.Add(int64(c.bytesIn))
	m.bytesOut.Add(int64(len(payload)))
	at, _ := slices.BinarySearch(MeterBounds, took)
	m.buckets[at].Add(1)
	if c.err.Load() != nil {
		m.cancelled.Add(1)
		m.cancelNs.Add(max(0, monotonic()-c.ended.Load()))
	}
	if c.code != "" {
		m.mu.Lock()
		m.errors[string(c.code)]++
		m.mu.Unlock()
	}
}

// ReadMeters gives what was counted, of the functions that were called.
func ReadMeters() []Metered {
	running := map[*Function]int64{}
	eachRunning(func(c *Call) { running[c.Function]++ })
	found := []Metered{}
	for _, f := range Functions() {
		m := f.meter.Load()
		if m == nil || m.calls.Load() == 0 && running[f] == 0 {
			continue
		}
		m.mu.Lock()
		errors := maps.Clone(m.errors)
		m.mu.Unlock()
		durations, sum := make([]int64, len(MeterBounds)), int64(0)
		for i := range durations {
			sum += m.buckets[i].Load()
			durations[i] = sum
		}
		found = append(found, Metered{
			Function: f.Name, Calls: m.calls.Load(), Running: running[f], Errors: errors,
			Seconds: time.Duration(m.nanoseconds.Load()).Seconds(), Durations: durations,
			BytesIn: m.bytesIn.Load(), BytesOut: m.bytesOut.Load(),
			Cancelled: m.cancelled.Load(), CancelSeconds: time.Duration(m.cancelNs.Load()).Seconds(),
		})
	}
	return found
}
