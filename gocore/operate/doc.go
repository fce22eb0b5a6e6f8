// Package operate has the functions by which the person on call looks into the
// Go side of a process.
package operate

import "github.com/gostitch/gostitch/gocore"

// Register registers the functions.
func Register() {
	gocore.Register("operate.end_offline", EndOffline)
	gocore.Register("operate.free_memory", FreeMemory)
	gocore.Register("operate.goroutines", Goroutines)
	gocore.Register("operate.set_offline", SetOffline)
	gocore.Register("operate.start_profile", StartProfile)
	gocore.Register("operate.stop_profile", StopProfile)
	gocore.Register("operate.write_dumps", WriteDumps)
}
