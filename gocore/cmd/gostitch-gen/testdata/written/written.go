// Package written registers a function that would write to nothing.
package written

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// None is no result.
type None struct{}

// Args has a default for what is written to.
type Args struct {
	A gocore.Mutable[int8] `gostitch:"a,default="`
}

// F is refused.
func F(context.Context, Args) (None, error) { return None{}, nil }

func init() { gocore.Register("written.f", F) }
