// Package reserved registers a function whose parameters Python could not spell.
package reserved

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// None is no result.
type None struct{}

// Args has a name that every function has.
type Args struct {
	Timeout int
}

// F is refused.
func F(context.Context, Args) (None, error) { return None{}, nil }

func init() { gocore.Register("reserved.f", F) }
