package gocore

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
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
	// Not followed nor waited for, should it have become a link or a pipe.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer file.Close() // Go keeps a duplicate
	if found, err := file.Stat(); err != nil || !found.Mode().IsRegular() {
		return cmp.Or(err, fmt.Errorf("%s is no file", path))
	}
	if err := debug.SetCrashOutput(file, debug.CrashOptions{}); err != nil {
		return err
	}
	return ShowLabels()
}

// ShowLabels has Go print the labels of goroutines with their stacks.
func ShowLabels() error {
	environmentLock.Lock()
	defer environmentLock.Unlock()
	labelsArePrinted = true
	// Go has no other way to switch this on at run time. It is Go's environment
	// alone, and gocore.Command gives programs Python's.
	return os.Setenv("GODEBUG", withLabels(os.Getenv("GODEBUG")))
}

// labelsArePrinted is guarded by environmentLock.
var labelsArePrinted bool

func withLabels(settings string) string {
	if strings.Contains(settings, "tracebacklabels=") {
		return settings
	}
	return strings.TrimPrefix(settings+","+printLabels, ",")
}

// keepLabels gives an environment with which Go goes on to print the labels, if it does.
func keepLabels(variables []string) []string {
	if !labelsArePrinted {
		return variables
	}
	const name = "GODEBUG="
	kept := slices.Clone(variables)
	at := slices.IndexFunc(kept, func(each string) bool { return strings.HasPrefix(each, name) })
	if at < 0 {
		return append(kept, name+printLabels)
	}
	kept[at] = name + withLabels(strings.TrimPrefix(kept[at], name))
	return kept
}

// newLabels makes the labels of calls without a trace, once for a function.
func newLabels(f *Function) context.Context {
	return pprof.WithLabels(context.Background(), pprof.Labels(labelCall, f.Name))
}

// label says on this goroutine which call it runs, until the next call, or unlabel.
func (c *Call) label() {
	pprof.SetGoroutineLabels(c.labels())
}

func (c *Call) labels() context.Context {
	if t := c.traced.Load(); t != nil {
		return t.labels
	}
	return c.Function.labels
}

// unlabel says that this goroutine waits for a call: who reads the stacks must not take it
// for one that runs.
func unlabel() { pprof.SetGoroutineLabels(context.Background()) }

// traced is a function in a trace: the id in 32 hexadecimal digits, and the labels
// of goroutines that run it there.
type traced struct {
	id     string
	labels context.Context
}

// tracedBy gives that of a traceparent or what comes with it. Making labels takes longer than
// a small call, and most calls are in the trace of the one before.
func (f *Function) tracedBy(trace []byte) *traced {
	// traceparent is "00-<trace id>-<span id>-<flags>", and there may be baggage alone.
	if len(trace) < 36 || trace[2] != '-' || trace[35] != '-' {
		return nil
	}
	last := f.lastTraced.Load()
	if last != nil && last.id == string(trace[3:35]) {
		return last
	}
	id := string(trace[3:35])
	made := &traced{id, pprof.WithLabels(f.labels, pprof.Labels(labelTrace, id))}
	f.lastTraced.Store(made)
	return made
}
