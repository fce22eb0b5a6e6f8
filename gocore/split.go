package gocore

import "time"

// Split says where the time of a call went, on Go's side of the boundary.
type Split struct {
	// MarshalIn is the decoding of the arguments.
	MarshalIn time.Duration
	// Run is the function itself.
	Run time.Duration
	// MarshalOut is the encoding of the result.
	MarshalOut time.Duration
}

// moments are when a call's arguments were taken, its function began and ended.
type moments struct {
	wanted                 bool
	taken, began, returned time.Duration
}

var clockStart = time.Now()

// now reads a clock that only goes forward, the cheapest one there is.
func now() time.Duration { return time.Since(clockStart) }

// Time has the call measured from here on, for Split. An observer asks for it
// in StartCall, as it costs every call that has it.
func (c *Call) Time() { c.moments.wanted = true }

// Split gives where the time went until now, which is the end of the encoding when
// an observation ends; false if the function never returned, or nobody asked for it.
func (c *Call) Split() (Split, bool) {
	m := &c.moments
	if !m.wanted || m.returned == 0 {
		return Split{}, false
	}
	return Split{m.began - m.taken, m.returned - m.began, now() - m.returned}, true
}
