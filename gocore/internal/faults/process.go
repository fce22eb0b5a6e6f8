package faults

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/gostitch/gostitch/gocore"
)

// RunArgs are a program and its arguments.
type RunArgs struct {
	// Command to run.
	Command []string
	// Plain runs it with what Go has as its environment, instead of what Python has now.
	Plain bool `gostitch:"plain,default=false"`
}

// Run runs a program and returns what it prints.
func Run(ctx context.Context, a RunArgs) (string, error) {
	command := gocore.Command(ctx, a.Command[0], a.Command[1:]...)
	if a.Plain {
		command = exec.CommandContext(ctx, a.Command[0], a.Command[1:]...)
	}
	out, err := command.Output()
	return string(out), err
}

// RuntimeSettings are what steers the Go runtime.
type RuntimeSettings struct {
	// MaxProcs is the number of threads that run Go code.
	MaxProcs int
	// GCPercent is when the collector starts.
	GCPercent int
	// MemoryLimit in bytes.
	MemoryLimit int64
}

// Settings returns what steers the Go runtime.
func Settings(context.Context, NoArgs) (RuntimeSettings, error) {
	percent := debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return RuntimeSettings{runtime.GOMAXPROCS(0), percent, debug.SetMemoryLimit(-1)}, nil
}

// WriteToClosed writes to a pipe that nobody reads, as standard output.
func WriteToClosed(context.Context, NoArgs) (string, error) {
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		return "", err
	}
	syscall.Close(ends[0])
	saved, err := syscall.Dup(1)
	if err != nil {
		return "", err
	}
	defer syscall.Close(saved)
	if err := syscall.Dup3(ends[1], 1, 0); err != nil {
		return "", err
	}
	syscall.Close(ends[1])
	_, written := fmt.Fprintln(os.Stdout, "nobody reads this")
	if err := syscall.Dup3(saved, 1, 0); err != nil {
		return "", err
	}
	return fmt.Sprint(written), nil
}
