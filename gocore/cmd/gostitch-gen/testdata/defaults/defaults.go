// Package defaults registers a function whose parameters Python could not spell.
package defaults

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// None is no result.
type None struct{}

// Args has a default that does not fit.
type Args struct {
	A int `gostitch:"a,default=many"`
}

// F is refused.
func F(context.Context, Args) (None, error) { return None{}, nil }

func init() { gocore.Register("defaults.f", F) }
