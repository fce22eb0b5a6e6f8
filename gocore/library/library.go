// Package library makes a library of functions whole: whoever imports it gets
// the door to C, observability and what the person on call needs, which every library has.
//
// The main package that 'gostitch build' writes imports it; so does the one of
// the library that is shipped.
package library

import (
	"github.com/gostitch/gostitch/gocore"
	_ "github.com/gostitch/gostitch/gocore/cabi"
	_ "github.com/gostitch/gostitch/gocore/observe"
	"github.com/gostitch/gostitch/gocore/operate"
)

func init() { Add("operate", operate.Register) }

// Add calls a package's Register function, in which a panic is an error that
// is reported when the library is opened. A panic in init, or in the value of a
// package's variable, aborts the process that loads the library.
func Add(pkg string, register func()) { gocore.Wire(pkg, register) }
