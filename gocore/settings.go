package gocore

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Settings are what Python's configure decides; zero leaves a thing as it is. The
// twin is python/gostitch/_settings.py.
type Settings struct {
	// MaxProcs is how many threads run Go code at once.
	MaxProcs int
	// MemoryLimit is the soft limit of the Go runtime's memory in bytes.
	MemoryLimit int64
	// GCPercent is how much the heap may grow between collections; negative: any much.
	GCPercent int
	// Limits of functions by name.
	Limits []NamedLimit
	// DefaultTimeout of calls that have none.
	DefaultTimeout time.Duration
}

// NamedLimit is the limit of a function.
type NamedLimit struct {
	Function    string
	Concurrency int
	Queue       int
	Timeout     time.Duration
}

// Apply makes the settings count, or gives an error and changes nothing.
func (s *Settings) Apply() error {
	limits := map[string]Limit{}
	for _, l := range s.Limits {
		limits[l.Function] = Limit{Concurrency: l.Concurrency, Queue: l.Queue, Timeout: l.Timeout}
	}
	if err := SetLimits(limits, Limit{Timeout: s.DefaultTimeout}); err != nil {
		return err
	}
	if s.MaxProcs > 0 {
		runtime.GOMAXPROCS(s.MaxProcs)
	}
	if s.MemoryLimit > 0 {
		debug.SetMemoryLimit(s.MemoryLimit)
	}
	if s.GCPercent != 0 {
		debug.SetGCPercent(s.GCPercent)
	}
	return nil
}

// Resources are what the Go runtime may use at present.
type Resources struct {
	MaxProcs    int
	MemoryLimit int64
	GCPercent   int // negative: no collections but for the memory limit
}

// gcOff is what the metric of GOGC=off is, a number near 2**64.
const gcOff = 1 << 32

func readResources() Resources {
	samples := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(samples)
	percent := -1
	if p := samples[0].Value.Uint64(); p < gcOff {
		percent = int(p)
	}
	return Resources{runtime.GOMAXPROCS(0), int64(samples[1].Value.Uint64()), percent}
}
