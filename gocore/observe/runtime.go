package observe

import (
	"context"
	"errors"
	"math"
	"runtime/metrics"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.43.0/goconv"
)

// runtimeScope is the instrumentation scope of the metrics of Go's runtime.
const runtimeScope = tracerName + "/runtime"

// What the conventions compute the metrics from; reading it stops nothing.
const (
	readTotal       = "/memory/classes/total:bytes"
	readReleased    = "/memory/classes/heap/released:bytes"
	readStacks      = "/memory/classes/heap/stacks:bytes"
	readHeap        = "/memory/classes/heap/objects:bytes"
	readLimit       = "/gc/gomemlimit:bytes"
	readAllocated   = "/gc/heap/allocs:bytes"
	readAllocations = "/gc/heap/allocs:objects"
	readGoal        = "/gc/heap/goal:bytes"
	readCycles      = "/gc/cycles/total:gc-cycles"
	readGogc        = "/gc/gogc:percent"
	readGoroutines  = "/sched/goroutines:goroutines"
	readProcessors  = "/sched/gomaxprocs:threads"
	readUser        = "/cpu/classes/user:cpu-seconds"
	readGC          = "/cpu/classes/gc/total:cpu-seconds"
	readScavenge    = "/cpu/classes/scavenge/total:cpu-seconds"
	readIdle        = "/cpu/classes/idle:cpu-seconds"
)

var runtimeReadings = []string{
	readTotal, readReleased, readStacks, readLimit, readAllocated, readAllocations, readGoal, readCycles, readGogc,
	readGoroutines, readProcessors, readUser, readGC, readScavenge, readIdle,
}

// readings are what package runtime/metrics says.
type readings map[string]metrics.Value

func read(names []string) readings {
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	metrics.Read(samples)
	out := readings{}
	for _, each := range samples {
		out[each.Name] = each.Value
	}
	return out
}

// whole gives a number that is no fraction; 0 where this version of Go has none.
func (r readings) whole(name string) int64 {
	if v := r[name]; v.Kind() == metrics.KindUint64 {
		return int64(min(v.Uint64(), math.MaxInt64))
	}
	return 0
}

// fraction gives a number that may be one; 0 where this version of Go has none.
func (r readings) fraction(name string) float64 {
	if v := r[name]; v.Kind() == metrics.KindFloat64 {
		return v.Float64()
	}
	return 0
}

// runtimeInstruments are those of the conventions that are no histograms (see runtimeHistograms).
type runtimeInstruments struct {
	used        goconv.MemoryUsed
	limit       goconv.MemoryLimit
	allocated   goconv.MemoryAllocated
	allocations goconv.MemoryAllocations
	goal        goconv.MemoryGCGoal
	cycles      goconv.MemoryGCCyclesObservable
	goroutines  goconv.GoroutineCount
	processors  goconv.ProcessorLimit
	gogc        goconv.ConfigGogc
	cpu         goconv.CPUTimeObservable
}

// observeRuntime makes the instruments of the runtime.
func observeRuntime(meter metric.Meter) error {
	i, failed := runtimeInstruments{}, [11]error{}
	i.used, failed[0] = goconv.NewMemoryUsed(meter)
	i.limit, failed[1] = goconv.NewMemoryLimit(meter)
	i.allocated, failed[2] = goconv.NewMemoryAllocated(meter)
	i.allocations, failed[3] = goconv.NewMemoryAllocations(meter)
	i.goal, failed[4] = goconv.NewMemoryGCGoal(meter)
	i.cycles, failed[5] = goconv.NewMemoryGCCyclesObservable(meter)
	i.goroutines, failed[6] = goconv.NewGoroutineCount(meter)
	i.processors, failed[7] = goconv.NewProcessorLimit(meter)
	i.gogc, failed[8] = goconv.NewConfigGogc(meter)
	i.cpu, failed[9] = goconv.NewCPUTimeObservable(meter)
	_, failed[10] = meter.RegisterCallback(i.observe, i.used.Inst(), i.limit.Inst(), i.allocated.Inst(), i.allocations.Inst(),
		i.goal.Inst(), i.cycles.Inst(), i.goroutines.Inst(), i.processors.Inst(), i.gogc.Inst(), i.cpu.Inst())
	return errors.Join(failed[:]...)
}

func (i *runtimeInstruments) observe(_ context.Context, to metric.Observer) error {
	r := read(runtimeReadings)
	stacks := r.whole(readStacks)
	to.ObserveInt64(i.used.Inst(), stacks, metric.WithAttributes(i.used.AttrMemoryType(goconv.MemoryTypeStack)))
	to.ObserveInt64(i.used.Inst(), r.whole(readTotal)-r.whole(readReleased)-stacks, metric.WithAttributes(i.used.AttrMemoryType(goconv.MemoryTypeOther)))
	if limit := r.whole(readLimit); limit != math.MaxInt64 {
		to.ObserveInt64(i.limit.Inst(), limit)
	}
	to.ObserveInt64(i.allocated.Inst(), r.whole(readAllocated))
	to.ObserveInt64(i.allocations.Inst(), r.whole(readAllocations))
	to.ObserveInt64(i.goal.Inst(), r.whole(readGoal))
	to.ObserveInt64(i.cycles.Inst(), r.whole(readCycles))
	to.ObserveInt64(i.goroutines.Inst(), r.whole(readGoroutines))
	to.ObserveInt64(i.processors.Inst(), r.whole(readProcessors))
	to.ObserveInt64(i.gogc.Inst(), r.whole(readGogc))
	for state, name := range map[goconv.CPUStateAttr]string{
		goconv.CPUStateUser: readUser, goconv.CPUStateGC: readGC, goconv.CPUStateScavenge: readScavenge, goconv.CPUStateIdle: readIdle,
	} {
		to.ObserveFloat64(i.cpu.Inst(), r.fraction(name), metric.WithAttributes(i.cpu.AttrCPUState(state)))
	}
	return nil
}
