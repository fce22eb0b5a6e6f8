package gocore

import (
	"maps"
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
	// Errors by their type.
	Errors map[string]int64
	// BytesIn that arguments took, what they refer to included.
	BytesIn int64
	// BytesOut that results took, messages excluded.
	BytesOut int64
	// Cancelled calls, whose context ended before they did.
	Cancelled int64
}

// meter counts the calls of a function.
type meter struct {
	calls, bytesIn, bytesOut, cancelled atomic.Int64

	mu     sync.Mutex
	errors map[string]int64 // guarded by mu
}

// Measurement is what was measured of a call.
type Measurement struct {
	// Took is how long it ran.
	Took time.Duration
	// Lagged is how long it ran on after its context had ended; negative: that had not.
	Lagged time.Duration
	// ErrorType of a call that has failed (ErrorType).
	ErrorType string
}

// metering switches the counting on: until somebody asks, a call pays for one load.
var metering sync.Once

// StartMetering counts all calls from now on.
func StartMetering() {
	metering.Do(func() {
		for _, f := range Functions() {
			f.meter.Store(&meter{errors: map[string]int64{}})
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

// noteError notes what the call has failed with, if that is counted.
func (c *Call) noteError(err error) {
	if m := c.Function.meter.Load(); m != nil && c.begun != 0 {
		c.errorType = m.kept(ErrorType(err))
	}
}

const (
	// mostErrorTypes are told apart of a function, so that a code with a number in it is no leak.
	mostErrorTypes = 200
	// otherErrors is what the conventions call the others.
	otherErrors = "_OTHER"
)

// kept gives the type by which an error is counted.
func (m *meter) kept(errorType string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.errors[errorType]; !known && len(m.errors) >= mostErrorTypes {
		return otherErrors
	}
	return errorType
}

// endMetering counts a call that has ended; its context has not.
func (c *Call) endMetering(payload []byte) {
	m := c.Function.meter.Load()
	if m == nil || c.begun == 0 { // it began before the counting did
		return
	}
	found := Measurement{Took: now() - c.begun, Lagged: -1, ErrorType: c.errorType}
	m.calls.Add(1)
	m.bytesIn.Add(int64(c.bytesIn))
	m.bytesOut.Add(int64(len(payload)))
	if c.err.Load() != nil {
		m.cancelled.Add(1)
		found.Lagged = time.Duration(max(0, monotonic()-c.ended.Load()))
	}
	if c.errorType != "" {
		m.mu.Lock()
		m.errors[c.errorType]++
		m.mu.Unlock()
	}
	ctx := c.observed
	c.observed = nil
	if o := observer.Load(); o != nil && ctx != nil {
		(*o).Measured(ctx, c.Function, found)
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
		found = append(found, Metered{
			Function: f.Name, Calls: m.calls.Load(), Running: running[f], Errors: errors,
			BytesIn: m.bytesIn.Load(), BytesOut: m.bytesOut.Load(),
			Cancelled: m.cancelled.Load(),
		})
	}
	return found
}
