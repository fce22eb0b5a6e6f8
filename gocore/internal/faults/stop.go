package faults

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// betweenStops is busy for so long that the runtime's monitor looks every 10 ms only.
const betweenStops = 40 * time.Millisecond

// longestStop is what StopTheWorld found.
var longestStop = make(chan time.Duration, 1)

// StopTheWorld stops all goroutines again and again for so long. No call runs meanwhile, and nothing
// that gocore.Go counts.
func StopTheWorld(_ context.Context, a SleepArgs) (struct{}, error) {
	go func() {
		var stats runtime.MemStats
		var longest time.Duration
		for start := time.Now(); time.Since(start).Seconds() < a.Seconds; {
			begun := time.Now()
			runtime.ReadMemStats(&stats)
			ended := time.Now()
			longest = max(longest, ended.Sub(begun))
			for time.Since(ended) < betweenStops {
			}
		}
		longestStop <- longest
	}()
	return struct{}{}, nil
}

// LongestStop waits for the end of StopTheWorld, and gives the seconds that its longest stop took.
func LongestStop(context.Context, NoArgs) (float64, error) {
	return (<-longestStop).Seconds(), nil
}

// SleepInSystem sleeps in a system call, as one that waits for a process or a disk.
func SleepInSystem(_ context.Context, a SleepArgs) (struct{}, error) {
	request := unix.NsecToTimespec(int64(a.Seconds * 1e9))
	for unix.Nanosleep(&request, &request) == unix.EINTR {
	}
	return struct{}{}, nil
}

// CodeArgs name a function of Go.
type CodeArgs struct {
	// Name of the function with its package.
	Name string
}

// Code is where a function is in memory.
type Code struct {
	// Begin is its first address.
	Begin uint64
	// End is the one after its last.
	End uint64
}

// aligned is what the addresses of functions are multiples of.
const aligned = 16

// CodeOf looks for a function of the runtime.
func CodeOf(_ context.Context, a CodeArgs) (Code, error) {
	begin := reflect.ValueOf(runtime.GC).Pointer() &^ (aligned - 1)
	for runtime.FuncForPC(begin-aligned) != nil {
		begin -= aligned
	}
	for f := runtime.FuncForPC(begin); f != nil; f = runtime.FuncForPC(begin) {
		end := begin + aligned
		for next := runtime.FuncForPC(end); next != nil && next.Entry() == f.Entry(); next = runtime.FuncForPC(end) {
			end += aligned
		}
		if f.Name() == a.Name {
			return Code{uint64(begin), uint64(end)}, nil
		}
		begin = end
	}
	return Code{}, fmt.Errorf("no function is called %s", a.Name)
}
