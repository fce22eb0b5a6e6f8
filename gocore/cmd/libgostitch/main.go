// Command libgostitch is the library that the Python package ships: the core
// and the task library. It is wiring only.
package main

import (
	_ "github.com/gostitch/gostitch/gocore/library"
	_ "github.com/gostitch/gostitch/gocore/tasks"
)

// main is never run in a shared library; the linker wants it.
func main() {}
