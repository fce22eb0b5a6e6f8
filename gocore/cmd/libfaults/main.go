// Command libfaults is the library that the tests load: the one that is
// shipped, and the functions of package faults. It is wiring only.
package main

import (
	_ "github.com/gostitch/gostitch/gocore/internal/faults"
	_ "github.com/gostitch/gostitch/gocore/library"
	_ "github.com/gostitch/gostitch/gocore/tasks"
)

// main is never run in a shared library; the linker wants it.
func main() {}
