package operate

import (
	"bytes"
	"context"
	"runtime/pprof"
)

// Goroutines gives the stacks of all goroutines, as a Go program prints them when it panics.
//
//gostitch:long
func Goroutines(context.Context, struct{}) (string, error) {
	var out bytes.Buffer
	err := pprof.Lookup("goroutine").WriteTo(&out, 2)
	return out.String(), err
}
