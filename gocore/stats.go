package gocore

import (
	"runtime"
	"time"
)

// Stats are the live counts of the core: what runtime_info shows and what
// tests expect to be zero.
type Stats struct {
	// Calls being run, whether Python waits for them or not.
	Calls int64
	// Goroutines of the whole process, the runtime's own included.
	Goroutines int64
	// Background goroutines started through gocore.Go that still run.
	Background int64
	// BackgroundPanics since the library was opened.
	BackgroundPanics int64
	// RecordsDropped counts spans and log records that found no room.
	RecordsDropped int64
	// SpansDropped counts spans that found no room or could not be sent.
	SpansDropped int64
	// HeapBytes is the size of live and not yet collected objects.
	HeapBytes int64
	// Buffers of Go memory that Python holds.
	Buffers int64
	// Queues that Python has open.
	Queues int64
	// InFlight are the oldest of the calls being run.
	InFlight []Running
	// Limited are the functions with a limit.
	Limited []Limited
	// Resources that the Go runtime may use.
	Resources Resources
	// CgoCalls is how many calls of C functions Go has made.
	CgoCalls int64
	// Lingering is for how long calls run on since their context ended, longest first.
	Lingering []time.Duration
}

// shownInFlight bounds the calls that stats describe.
const shownInFlight = 100

// ReadStats reads the counts that the core keeps; the boundary adds its own.
func ReadStats() Stats {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return Stats{
		Calls:            countRunning(),
		Goroutines:       int64(runtime.NumGoroutine()),
		Background:       background.Load(),
		BackgroundPanics: backgroundPanics.Load(),
		RecordsDropped:   recordsDropped.Load(),
		SpansDropped:     spansDropped.Load(),
		HeapBytes:        int64(memory.HeapAlloc),
		InFlight:         InFlight(shownInFlight),
		Limited:          limited(),
		Resources:        readResources(),
		CgoCalls:         runtime.NumCgoCall(),
		Lingering:        lingerTimes(),
	}
}
