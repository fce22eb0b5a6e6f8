package gocore

import (
	"context"
	"testing"
	"time"
)

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s, for 20 s", what)
		}
	}
}

// A process that does nothing in Go is not woken; one that does has a timer all the time.
func TestMonitorIsAwakeWhileGoIsUsed(t *testing.T) {
	sleeps := func() bool { return !napWhenUsed.isTimed.Load() && !napInCalls.isTimed.Load() }
	eventually(t, "a timer runs though nothing does", sleeps)

	KeepMonitorAwake()
	if !napWhenUsed.isTimed.Load() {
		t.Fatal("Go is used, and no timer runs")
	}
	eventually(t, "the timer goes on after the use", sleeps)

	over := make(chan struct{})
	Go(t.Context(), func(context.Context) { <-over })
	KeepMonitorAwake()
	for range 3 {
		eventually(t, "no timer runs though something does", napInCalls.isTimed.Load)
		KeepMonitorAwake()
		if !napWhenUsed.isTimed.Load() {
			t.Fatal("Go is used, and the long timer runs only")
		}
		time.Sleep(napInCalls.length / 2)
	}
	close(over)
	eventually(t, "the timer goes on after what ran", sleeps)
}
