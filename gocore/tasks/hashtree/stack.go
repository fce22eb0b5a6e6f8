package hashtree

import "github.com/gostitch/gostitch/gocore/tasks/internal/failure"

// push adds tasks; the last is taken first, which keeps the walk depth-first
// and the number of open directories small.
func (w *walk) push(tasks ...task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stack = append(w.stack, tasks...)
	w.open += len(tasks)
	if len(tasks) == 1 {
		w.ready.Signal()
	} else if len(tasks) > 1 {
		w.ready.Broadcast()
	}
}

// pop waits for a task; false means that the walk is over.
func (w *walk) pop() (task, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.stack) == 0 && w.open > 0 && w.err == nil {
		w.ready.Wait()
	}
	if len(w.stack) == 0 || w.err != nil {
		w.release()
		return task{}, false
	}
	last := len(w.stack) - 1
	t := w.stack[last]
	w.stack[last] = task{}
	w.stack = w.stack[:last]
	return t, true
}

// finish counts a popped task as done; the last one wakes everybody up.
func (w *walk) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open--; w.open == 0 {
		w.ready.Broadcast()
	}
}

// fail records the first error and ends the walk.
func (w *walk) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = failure.At(err)
	}
	w.ready.Broadcast()
}

// release closes the directories of chunks that a failed walk leaves undone.
func (w *walk) release() {
	for _, t := range w.stack {
		if t.to > 0 && t.dir.chunks.Add(-1) == 0 {
			t.dir.file.Close()
		}
	}
	w.stack = nil
}
