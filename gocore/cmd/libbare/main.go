// Command libbare is libfaults without its observer: what is left of a call
// where there is nothing to observe, and nothing that could. It is wiring only.
package main

import (
	_ "github.com/gostitch/gostitch/gocore/cabi"
	_ "github.com/gostitch/gostitch/gocore/internal/faults"
	_ "github.com/gostitch/gostitch/gocore/tasks"
)

// main is never run in a shared library; the linker wants it.
func main() {}
