package gocore

import (
	"runtime"
	"strings"
	"testing"
)

// What goes wrong while functions are registered is reported with its place,
// and ends nothing.
func TestWire(t *testing.T) {
	registered := false
	Wire("example.com/good", func() { registered = true })
	if err := RegistrationError(); !registered || err != nil {
		t.Fatalf("registered: %v, error: %v", registered, err)
	}
	defer func() { registry.errs = nil }()
	Wire("example.com/panics", func() { panic("no luck") })
	Wire("example.com/exits", func() { runtime.Goexit() })
	lines := strings.Split(RegistrationError().Error(), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "example.com/panics.Register panicked at ") ||
		!strings.Contains(lines[0], "wire_test.go:") || !strings.HasSuffix(lines[0], ": no luck") ||
		!strings.Contains(lines[1], "runtime.Goexit") {
		t.Errorf("got %q", lines)
	}
}
