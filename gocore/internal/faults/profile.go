package faults

import (
	"context"
	"os"
	"runtime/pprof"
	"time"
)

// ProfileArgs are how long, and where to.
type ProfileArgs struct {
	// Path of the file.
	Path string
	// Seconds to look.
	Seconds float64
}

// Profile writes a profile of where the processor's time goes.
func Profile(ctx context.Context, a ProfileArgs) (None, error) {
	file, err := os.Create(a.Path)
	if err != nil {
		return None{}, err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return None{}, err
	}
	defer pprof.StopCPUProfile()
	select {
	case <-time.After(time.Duration(a.Seconds * float64(time.Second))):
	case <-ctx.Done():
	}
	return None{}, ctx.Err()
}
