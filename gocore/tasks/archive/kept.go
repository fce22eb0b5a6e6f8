package archive

import (
	"slices"
	"sync"
	"time"
)

// keepFor is how long memory that no call uses is kept for the next one. An idle process is woken once
// for it, and has no goroutine.
const keepFor = 5 * time.Second

// kept is memory of calls that have ended, for those that follow: what is new each time is garbage
// beside what is used, until the next collection.
type kept[K comparable, V any] struct {
	size func(K) int
	drop func(V)

	mu    sync.Mutex
	items []keptItem[K, V] // the one used last is at the end
	timer *time.Timer
}

type keptItem[K comparable, V any] struct {
	kind  K
	value V
}

// take gives one of that kind.
func (k *kept[K, V]) take(kind K) (value V, found bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, item := range slices.Backward(k.items) {
		if item.kind == kind {
			k.items = slices.Delete(k.items, i, i+1)
			return item.value, true
		}
	}
	return value, false
}

// put keeps one.
func (k *kept[K, V]) put(kind K, value V) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.items = append(k.items, keptItem[K, V]{kind, value})
	if k.timer == nil {
		k.timer = time.AfterFunc(keepFor, func() { k.trim(0) })
	} else {
		k.timer.Reset(keepFor)
	}
}

// trim drops those that have not been used for longest, until the others have no more memory than that.
func (k *kept[K, V]) trim(memory int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	has := 0
	for i, item := range slices.Backward(k.items) {
		if has += k.size(item.kind); has > memory {
			for _, old := range k.items[:i+1] {
				k.drop(old.value)
			}
			k.items = slices.Delete(k.items, 0, i+1)
			return
		}
	}
}

// memory is what they have.
func (k *kept[K, V]) memory() (has int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, item := range k.items {
		has += k.size(item.kind)
	}
	return has
}
