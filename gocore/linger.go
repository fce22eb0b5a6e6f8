package gocore

import (
	"cmp"
	"slices"
	"time"
)

// maxLingering bounds what is told of calls that run although their context has ended.
const maxLingering = 1000

// lingerTimes gives for how long calls run since their context ended, longest first.
func lingerTimes() []time.Duration {
	now, times := monotonic(), []time.Duration{}
	eachRunning(func(c *Call) {
		if c.err.Load() != nil {
			times = append(times, max(0, time.Duration(now-c.ended.Load())))
		}
	})
	slices.SortFunc(times, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	return times[:min(maxLingering, len(times))]
}
