package gocore

import (
	"slices"
	"sync"
	"time"
)

// lingering are the calls that run although their context has ended, and since when.
var lingering sync.Map // *Call -> time.Time

func linger(c *Call) { lingering.Store(c, time.Now()) }

func forget(c *Call) { lingering.Delete(c) }

// maxLingering bounds what is told of them.
const maxLingering = 1000

// lingerTimes gives for how long calls run since their context ended, longest first.
func lingerTimes() []time.Duration {
	times := []time.Duration{}
	lingering.Range(func(_, since any) bool {
		times = append(times, time.Since(since.(time.Time)))
		return len(times) < maxLingering
	})
	slices.SortFunc(times, func(a, b time.Duration) int { return int(b - a) })
	return times
}
