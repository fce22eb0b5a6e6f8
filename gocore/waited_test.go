package gocore

import (
	"slices"
	"testing"
	"time"
)

// A submitted call that a thread of Python waits for is described, and left alone by Close,
// as one that the thread makes itself; from its cancellation on nobody waits for it.
func TestASubmittedCallThatAThreadWaitsFor(t *testing.T) {
	woken := make(chan struct{}, 1)
	q := NewQueue(func() { woken <- struct{}{} })
	request := &Request{Function: numberOf(t, "test.wait"), Frame: twoThree, Number: 1}
	if err := Submit(request, 4711, q, false); err != nil {
		t.Fatal(err)
	}
	waitedFor := func(r Running) bool { return r.Function == "test.wait" && !r.Submitted }
	if running := InFlight(10); !slices.ContainsFunc(running, waitedFor) {
		t.Errorf("in flight: %+v", running)
	}
	if left := Close(10*time.Second, false); left != 1 {
		t.Errorf("%d calls are left", left)
	}
	select {
	case <-woken:
		t.Error("it was cancelled")
	default:
	}
	Cancel(4711)
	if running := InFlight(10); slices.ContainsFunc(running, waitedFor) {
		t.Errorf("in flight after it was cancelled: %+v", running)
	}
	<-woken
}
