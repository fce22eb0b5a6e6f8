// Package unguarded registers a function.
package unguarded

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// Args are none.
type Args struct{}

// One gives one.
func One(context.Context, Args) (int, error) { return 1, nil }

func init() { gocore.Register("unguarded.two", One) }
