package operate

import (
	"context"
	"runtime"
	"runtime/debug"
)

// FreeMemory collects garbage and gives free memory back to the system; it returns how
// many bytes.
//
//gostitch:long
func FreeMemory(context.Context, struct{}) (int64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	debug.FreeOSMemory()
	runtime.ReadMemStats(&after)
	return max(0, int64(after.HeapReleased)-int64(before.HeapReleased)), nil
}
