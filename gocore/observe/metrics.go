package observe

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"

	"github.com/gostitch/gostitch/gocore"
)

// Metrics are counts of the library for Python's meter.
type Metrics struct {
	// Functions that were called since the first time that somebody asked.
	Functions []FunctionMetrics
	// Bounds in seconds that durations are counted by.
	Bounds []float64
	// Goroutines now.
	Goroutines int64
	// HeapBytes of objects, live and not yet collected.
	HeapBytes int64
	// MemoryBytes that Go has of the system.
	MemoryBytes int64
	// MemoryLimit in bytes, or -1.
	MemoryLimit int64
	// HeapGoal in bytes, at which Go collects garbage next.
	HeapGoal int64
	// Collections of garbage up to now.
	Collections int64
	// PauseSeconds of all collections together.
	PauseSeconds float64
	// MaxProcs is how many threads may run Go code at once.
	MaxProcs int64
	// RecordsDropped counts spans and log records that found no room on their way to Python.
	RecordsDropped int64
	// SpansDropped counts spans that found no room or could not be sent.
	SpansDropped int64
}

// FunctionMetrics are counts of one function's calls: gocore.Metered, since the generator
// reads comments of this package alone.
type FunctionMetrics struct {
	// Function by its name.
	Function string
	// Calls that have ended.
	Calls int64
	// Running calls now.
	Running int64
	// Errors by their code.
	Errors map[string]int64
	// Seconds that the calls took together.
	Seconds float64
	// Durations of the calls, counted up to each of the bounds.
	Durations []int64
	// BytesIn that arguments took.
	BytesIn int64
	// BytesOut that results took.
	BytesOut int64
	// Cancelled calls, whose context ended before they did.
	Cancelled int64
	// CancelSeconds from the end of the context to that of the call, together.
	CancelSeconds float64
}

// ReadMetrics gives the counts, and has calls counted from the first time on.
func ReadMetrics(context.Context, struct{}) (Metrics, error) {
	gocore.StartMetering()
	m := readRuntime()
	for _, bound := range gocore.MeterBounds {
		m.Bounds = append(m.Bounds, bound.Seconds())
	}
	m.Functions = []FunctionMetrics{}
	for _, f := range gocore.ReadMeters() {
		if !strings.HasPrefix(f.Function, ownFunctions) {
			m.Functions = append(m.Functions, FunctionMetrics(f))
		}
	}
	return m, nil
}

// What is read of package runtime/metrics, which stops nothing for it.
var samples = []string{
	"/memory/classes/heap/objects:bytes",
	"/memory/classes/total:bytes",
	"/memory/classes/heap/released:bytes",
	"/gc/heap/goal:bytes",
	"/gc/cycles/total:gc-cycles",
}

func readRuntime() Metrics {
	read := make([]metrics.Sample, len(samples))
	for i, name := range samples {
		read[i].Name = name
	}
	metrics.Read(read)
	value := func(i int) int64 { return int64(read[i].Value.Uint64()) }
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		limit = -1
	}
	return Metrics{
		Goroutines: int64(runtime.NumGoroutine()), HeapBytes: value(0), MemoryBytes: value(1) - value(2),
		MemoryLimit: limit, HeapGoal: value(3), Collections: value(4), PauseSeconds: gc.PauseTotal.Seconds(),
		MaxProcs: int64(runtime.GOMAXPROCS(0)), RecordsDropped: gocore.RecordsDropped(), SpansDropped: gocore.SpansDropped(),
	}
}
