package gocore

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"strings"
)

// The labels of the goroutine that runs a call, and of those it starts. Go prints
// them when it ends the process; their readers are python/gostitch/_crashes.py.
const (
	labelCall  = "gostitch.call"
	labelTrace = "gostitch.trace"
)

// printLabels has Go print the labels.
const printLabels = "tracebacklabels=1"

// ReportCrash has Go write to an existing file what it writes to standard error
// when it ends the process, with the calls that run.
func ReportCrash(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer file.Close() // Go keeps a duplicate
	return debug.SetCrashOutput(file, debug.CrashOptions{})
}

// LabelTracebacks has Go write the call and the trace of each goroutine. It
// does so by the environment, so SetEnvironment undoes it.
func LabelTracebacks() error {
	before := os.Getenv("GODEBUG")
	if strings.Contains(before, "tracebacklabels=") {
		return nil
	}
	// Go has no other way to switch this on at run time. It is Go's environment
	// alone, and gocore.Command gives programs Python's.
	return os.Setenv("GODEBUG", strings.TrimPrefix(before+","+printLabels, ","))
}

// newLabels makes the labels of calls without a trace, once for a function.
func newLabels(f *Function) context.Context {
	return pprof.WithLabels(context.Background(), pprof.Labels(labelCall, f.Name))
}

// label says on this goroutine which call it runs. The next call replaces it.
func (c *Call) label() {
	labels := c.Function.labels
	if id := c.traceID.Load(); id != nil {
		labels = pprof.WithLabels(labels, pprof.Labels(labelTrace, *id))
	}
	pprof.SetGoroutineLabels(labels)
}
