package gocore

import "fmt"

// Wire runs a function that registers functions. What ends it but a return is
// recorded with its place, and reported when the library is opened; it runs
// while the library is loaded, where a panic would abort the process.
func Wire(pkg string, register func()) {
	ended := make(chan error, 1)
	// On a goroutine of its own, which runtime.Goexit may end.
	go guard(
		func() ([]byte, error) { register(); return nil, nil },
		func(_ []byte, err error) { ended <- err },
	)
	err := <-ended
	if err == nil {
		return
	}
	place := ""
	if stack := StackOf(err); len(stack) > 0 {
		place = fmt.Sprintf(" at %s:%d", stack[0].File, stack[0].Line)
	}
	registry.mu.Lock()
	defer registry.mu.Unlock()
	registry.errs = append(registry.errs, fmt.Errorf("%s.Register panicked%s: %w", pkg, place, err))
}
