// Package long says of some functions that they take long.
package long

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// None is nothing.
type None struct{}

// Slow takes long.
//
//gostitch:long
func Slow(context.Context, None) (None, error) { return None{}, nil }

// Told takes long and tells how far it is.
//
//gostitch:long
func Told(context.Context, None, func(None)) (None, error) { return None{}, nil }

// Quick does not.
func Quick(context.Context, None) (None, error) { return None{}, nil }

// helper is none of Python's.
//
//gostitch:long
func helper() {}

// Register registers them.
func Register() {
	helper()
	gocore.Register("long.slow", Slow)
	gocore.RegisterMessages("long.told", Told)
	gocore.Register("long.quick", Quick)
}
