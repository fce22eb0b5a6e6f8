// Package guarded registers a function.
package guarded

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// Args are none.
type Args struct{}

// One gives one.
func One(context.Context, Args) (int, error) { return 1, nil }

// Register is called when the library is loaded.
func Register() { gocore.Register("guarded.one", One) }
